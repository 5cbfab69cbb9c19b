"""Messages and rows of another release: a deploy waits for no queue to be empty."""

import json

import pytest
from kombu.serialization import dumps, loads

from config.celery import app
from orders.models import Order
from orders.states import OrderStatus
from payments.models import Evidence, Heartbeat
from payments.services.statements.door import settle_lines
from payments.states import Source, Status
from tests.factories import a_payment
from tests.flows.world import later, relay_all

pytestmark = pytest.mark.django_db(transaction=True)
EMBED = '{"callbacks": null, "errbacks": null, "chain": null, "chord": null}'
# As the first release has published them: the name of the task, and the body.
FIRST = {
    "workers.consult_due": f"[[], {{}}, {EMBED}]",
    "workers.announce_due": f"[[], {{}}, {EMBED}]",
    "workers.sync_payment_result": f'[[], {{"hours": 2160}}, {EMBED}]',
    "workers.relay_due": f"[[], {{}}, {EMBED}]",
    "workers.beat_heartbeat": f"[[], {{}}, {EMBED}]",
}
LINE = (
    '{"kind" : "payment", "payment_no" : "%s", "refund_no" : "", "channel_no" : "F1",'
    ' "capture_no" : "C1", "amount" : 1250, "currency" : "CNY", "merchant" : "our-account",'
    ' "at" : "2026-05-04T12:00:00+00:00"}'
)


def receive(task, body):
    """Run a message as a worker does: decoded as what its content type says it is."""
    args, kwargs, _ = loads(body, "application/json", "utf-8", accept={"application/json"})
    return app.tasks[task].apply(args=args, kwargs=kwargs)


@pytest.mark.parametrize(("task", "body"), FIRST.items(), ids=FIRST)
def test_a_message_of_the_first_release_is_still_understood(channel, task, body):
    assert receive(task, body).state == "SUCCESS"


@pytest.mark.parametrize("task", FIRST)
def test_a_message_of_a_later_release_is_understood_too(channel, task):
    later_one = [[], {"v": 2, "shard": "a"}, json.loads(EMBED) | {"from_the_future": True}]
    _, _, body = dumps(later_one, "json")

    assert receive(task, body).state == "SUCCESS"


def test_a_heartbeat_of_the_first_release_is_a_heartbeat():
    receive("workers.beat_heartbeat", FIRST["workers.beat_heartbeat"])

    assert Heartbeat.objects.filter(name="beat").exists()


def test_a_line_of_a_statement_that_the_former_release_kept_is_still_settled(channel):
    payment = a_payment()
    kept = Evidence.objects.create(
        channel="fake",
        event_id="statement:2026-05-04:1",
        source=Source.STATEMENT,
        payment_no=payment.payment_no,
        body=(LINE % payment.payment_no).encode(),
        received_at=later(payment, 60),
    )

    assert settle_lines([kept.pk], later(payment, 60)) == (1, 0)

    relay_all(later(payment, 120))
    payment.refresh_from_db()
    assert (payment.status, Order.objects.get().status) == (Status.SUCCEEDED, OrderStatus.PAID)
