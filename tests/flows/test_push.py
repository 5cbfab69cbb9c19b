"""What is pushed: each change that a client can see, after its commit. Losing it costs polls."""

import time

import pytest
from channels_redis.core import RedisChannelLayer
from django.db import connection, transaction
from django.utils import timezone

from orders import push_hints
from orders import services as orders
from orders.models import Order
from payments.channels.base import ChannelState
from payments.services import query_now
from tests.factories import an_order
from tests.flows.world import call_back, later, relay_all

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def pushed(monkeypatch):
    """Orders and versions that were pushed, and whether a transaction was open."""
    sent = []

    async def send(order_no, version):
        """The layer is not what these tests are about."""

    def run(coroutine, loop):
        values = coroutine.cr_frame.f_locals
        sent.append((values["order_no"], values["version"], connection.in_atomic_block))
        coroutine.close()

    monkeypatch.setattr(push_hints, "_send", send)
    monkeypatch.setattr(push_hints.asyncio, "run_coroutine_threadsafe", run)
    return sent


@pytest.fixture
def layer_away(monkeypatch):
    """A push layer that nobody answers at."""
    gone = RedisChannelLayer(hosts=["unix:///nowhere"])
    monkeypatch.setattr(push_hints, "get_channel_layer", lambda: gone)


def told_by_polls(app, payment):
    return app.poll(payment)[:3]


def test_a_change_is_pushed_after_its_commit_with_the_version_that_a_reader_finds(pushed):
    order = an_order()

    with transaction.atomic():
        orders.cancel_order(order_no=order.order_no, now=timezone.now())
        before = list(pushed)

    order.refresh_from_db()
    assert before == []
    assert pushed == [(order.order_no, order.version, False)]


def test_a_change_that_is_undone_is_not_pushed(pushed):
    order = an_order()

    with transaction.atomic():
        orders.cancel_order(order_no=order.order_no, now=timezone.now())
        transaction.set_rollback(True)

    assert pushed == []


@pytest.mark.parametrize("end", ["paid", "failed", "closed", "refunded"])
def test_every_change_of_what_a_poll_says_of_the_order_is_pushed(app, channel, pushed, end):
    payment = app.buy()
    relay_all(later(payment, 1))
    seen = {app.poll(payment)[1:3]}
    pushes = len(pushed)

    if end in ("paid", "refunded"):
        channel.pay(payment.payment_no)
    else:
        channel.end(payment.payment_no, ChannelState(end))
    query_now(payment_no=payment.payment_no, now=timezone.now(), actor="")
    relay_all(later(payment, 60))
    if end == "refunded":
        orders.record_refund(
            order_no=payment.order_no,
            payment_no=payment.payment_no,
            refund_no="R1",
            seq=1,
            amount=payment.amount,
            currency=payment.currency,
            reason="customer",
            now=timezone.now(),
        )

    changes = 2 if end == "refunded" else 1
    assert app.poll(payment)[1:3] not in seen
    assert len(pushed) - pushes == changes
    assert pushed[-1] == (payment.order_no, Order.objects.get().version, False)


@pytest.mark.usefixtures("layer_away")
def test_without_the_push_layer_the_polls_end_the_same_and_nobody_waits(app, channel):
    payment = app.buy()
    channel.pay(payment.payment_no)
    started = time.monotonic()

    call_back(channel.callback(payment.payment_no))
    relay_all(later(payment, 1))

    assert time.monotonic() - started < push_hints.TIMEOUT
    assert told_by_polls(app, payment) == ("succeeded", "paid", True)


def test_with_the_push_layer_they_end_just_so(app, channel):
    payment = app.buy()
    channel.pay(payment.payment_no)

    call_back(channel.callback(payment.payment_no))
    relay_all(later(payment, 1))

    assert told_by_polls(app, payment) == ("succeeded", "paid", True)
