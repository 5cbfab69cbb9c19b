"""Systems that are told of orders by real workers: one of them hangs, and a worker dies."""

import json
import subprocess
import sys
from contextlib import contextmanager

import pytest

from config import embedded
from tests.live.world import eventually
from tests.orders.receiver import Receiver, answering

pytestmark = [pytest.mark.live, pytest.mark.timeout(150)]
ADD = """
import django, sys
django.setup()
from django.utils import timezone
from orders.endpoints import add_endpoint
add_endpoint(name=sys.argv[1], url=sys.argv[2], now=timezone.now())
"""
PAUSE = "UPDATE orders_endpoint SET active = false"


@pytest.fixture
def tell(world):
    """Have a receiver told from now on, as ops would; nobody is told any more afterwards."""

    @contextmanager
    def told(name):
        with Receiver() as receiver:
            subprocess.run(
                [sys.executable, "-c", ADD, name, receiver.url],
                cwd=embedded.BASE_DIR,
                env=world.parts.env | {"DJANGO_SETTINGS_MODULE": "config.settings"},
                check=True,
                timeout=60,
            )
            yield receiver

    yield told
    world.rows(PAUSE)


def paid(receiver):
    """The orders of which it heard that they are paid, as often as it heard."""
    told = [json.loads(each.body) for each in receiver.received]
    return sorted(each["data"]["order_no"] for each in told if each["type"] == "order.paid")


def test_a_receiver_that_hangs_costs_the_others_nothing_and_hears_all_of_it_later(world, tell):
    with tell("hangs") as ill, tell("well") as well:
        ill.always = ill.hanging
        purchases = [world.buy() for _ in range(3)]
        numbers = sorted(each.order_no for each in purchases)

        for each in purchases:
            each.pay()
        assert eventually(lambda: paid(well), numbers, patience=15)
        assert eventually(lambda: ill.received != [])

        ill.always = answering(200)
        ill.received.clear()
        ill.leaving.set()

        assert eventually(lambda: set(paid(ill)), set(numbers))
        assert {each.message_id for each in ill.received} == set(well.ids)
        assert paid(well) == numbers  # once


def test_a_worker_killed_once_a_receiver_has_it_sends_it_again_under_one_id(world, tell, killed_at):
    with tell("warehouse") as receiver:
        purchase = world.buy(lose_callback=1)
        killed_at.arm("notification.sent")

        purchase.pay()
        killed_at.wait()

        assert eventually(lambda: paid(receiver), [purchase.order_no] * 2)
        assert len(set(receiver.ids)) == 1
