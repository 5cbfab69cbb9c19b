"""Redis refuses, or hangs, while a payment starts and while its callback comes: rows are enough."""

import json
import os
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from urllib.parse import quote

import pytest
from django.db import connection

from config import embedded
from orders.models import Order
from orders.states import OrderStatus
from payments.models import Payment, PaymentEvent
from payments.states import Status
from tests.factories import a_product
from tests.flows.world import later

pytestmark = pytest.mark.django_db(transaction=True)


def buy_with(redis_url, *, pause=0.0):
    """Have `tests.flows.buyer` buy; status and seconds of each request."""
    place = connection.get_connection_params()
    user = f"{place['user']}:{place['password']}" if place.get("password") else place["user"]
    address = f"{quote(place['host'], safe='')}:{place.get('port') or ''}".rstrip(":")
    done = subprocess.run(
        [sys.executable, "-m", "tests.flows.buyer"],
        cwd=embedded.BASE_DIR,
        env=os.environ
        | {
            "DATABASE_URL": f"postgres://{user}@{address}/{place['dbname']}",
            "REDIS_URL": redis_url,
            "PAUSE": str(pause),
        },
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    print(done.stdout)  # noqa: T201
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def refusing():
    """An address where nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound, so that nobody else gets it; not listening
        yield f"redis://127.0.0.1:{held.getsockname()[1]}/0"


@pytest.fixture
def hanging():
    """An address that accepts everybody and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server, accepting(server):
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"


@contextmanager
def accepting(server):
    guests = []

    def accept():
        while True:
            try:
                guests.append(server.accept()[0])
            except OSError:
                return

    host = threading.Thread(target=accept)
    host.start()
    try:
        yield
    finally:
        server.shutdown(socket.SHUT_RDWR)
        host.join()
        for guest in guests:
            guest.close()


PATIENCE = {"refusing": 2.0, "hanging": 4.0}  # seconds that a request may take


@pytest.mark.parametrize("trouble", PATIENCE)
@pytest.mark.parametrize("pause", [0.0, 5.5], ids=["breaker open", "breaker closed again"])
def test_without_a_broker_requests_succeed_in_time_and_beat_finds_the_rest(
    request, beat, trouble, pause
):
    a_product("tea")

    answers = buy_with(request.getfixturevalue(trouble), pause=pause)

    assert [answer["status"] for answer in answers.values()] == [201, 201, 200]
    slow = [name for name, answer in answers.items() if answer["seconds"] > PATIENCE[trouble]]
    assert slow == []
    assert answers["pay"]["due_in"] == 10
    payment = Payment.objects.get()
    assert payment.status == Status.SUCCEEDED
    assert PaymentEvent.objects.filter(relayed_at=None).count() == 3
    beat.tick(later(payment, 20))
    assert Order.objects.get().status == OrderStatus.PAID
