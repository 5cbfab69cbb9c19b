"""The close saga: query, close, query, and only on the channel's word is an order closed."""

import datetime as dt

import pytest
from django.utils import timezone

from orders.models import Order
from orders.states import OrderStatus
from payments import services
from payments.channels.base import (
    ChannelState,
    CloseOutcome,
    NotExecuted,
    OutcomeUnknown,
)
from payments.models import Evidence, Payment
from payments.states import Source, Status
from shop import services as shop
from tests.factories import a_product
from tests.flows.world import at_once, call_back, relay_all
from workers.closing import close_due

pytestmark = pytest.mark.django_db
UNSURE = [CloseOutcome.BUSY, NotExecuted("429", retry_after=1), OutcomeUnknown("no answer")]


@pytest.fixture
def order(channel):
    """An order whose payment its channel knows."""
    a_product()
    placed = shop.place(wishes=[shop.Wish("tea", 1)], now=timezone.now())
    shop.pay(order_no=placed.order_no, channel="fake", now=timezone.now())
    channel.calls.clear()
    return placed


def after_expiry(order, seconds=1.0):
    return order.expires_at + dt.timedelta(seconds=seconds)


def end(order, seconds=1.0):
    """The saga comes by, and the relay; status of order and payment, and the order's ledger."""
    close_due(now=after_expiry(order, seconds))
    relay_all(after_expiry(order, seconds + 5))
    return outcome(order)


def outcome(order):
    order.refresh_from_db()
    payment = Payment.objects.get()
    return order.status, payment.status, [entry.entry for entry in order.ledger.all()]


def test_an_unpaid_order_is_closed_together_with_its_payment(order, channel):
    assert end(order) == (OrderStatus.CLOSED, Status.CLOSED, [])

    assert (channel.calls["query"], channel.calls["close"]) == (2, 1)
    assert Evidence.objects.last().source == Source.CLOSE


def test_a_payment_that_was_paid_is_never_asked_to_close(order, channel):
    channel.pay(Payment.objects.get().payment_no)

    assert end(order) == (OrderStatus.PAID, Status.SUCCEEDED, ["applied"])

    assert channel.calls["close"] == 0


def test_already_paid_is_a_success(order, channel):
    payment_no = Payment.objects.get().payment_no
    channel.before["close"] = lambda: channel.pay(payment_no)

    assert end(order) == (OrderStatus.PAID, Status.SUCCEEDED, ["applied"])


@pytest.mark.parametrize("answer", UNSURE, ids=lambda answer: type(answer).__name__)
def test_an_unsure_answer_to_close_is_unknown_and_asked_again_and_never_closed(
    order, channel, answer
):
    channel.script("close", answer)

    assert end(order) == (OrderStatus.PAYING, Status.PAYING, [])

    assert end(order, 100) == (OrderStatus.CLOSED, Status.CLOSED, [])


@pytest.mark.parametrize("answer", UNSURE, ids=lambda answer: type(answer).__name__)
def test_the_payments_own_consults_ask_for_the_close_as_well(order, channel, answer):
    channel.script("close", answer)
    end(order)

    services.consult_due(now=after_expiry(order, 25))
    relay_all(after_expiry(order, 26))

    assert outcome(order) == (OrderStatus.CLOSED, Status.CLOSED, [])


def test_a_close_whose_answer_was_lost_is_believed_when_a_query_says_so(order, channel):
    channel.script("close", OutcomeUnknown(), executed=True)
    end(order)

    assert end(order, 100) == (OrderStatus.CLOSED, Status.CLOSED, [])
    assert channel.calls["close"] == 1


def test_a_channel_that_says_closed_and_still_pending_has_not_closed(order, channel):
    channel.script("close", CloseOutcome.CLOSED)  # and does nothing

    assert end(order) == (OrderStatus.PAYING, Status.PAYING, [])


def test_a_shopper_who_cancelled_in_the_wallet_has_cancelled_the_payment(order, channel):
    channel.end(Payment.objects.get().payment_no, ChannelState.CANCELLED)

    assert end(order) == (OrderStatus.CLOSED, Status.CANCELLED, [])


def test_nothing_is_closed_before_its_time(order, channel):
    assert end(order, -5) == (OrderStatus.PAYING, Status.PAYING, [])
    assert channel.calls["close"] == 0


@pytest.mark.django_db(transaction=True)
def test_two_sagas_at_once_close_once(order, channel):
    at_once(*[lambda: close_due(now=after_expiry(order))] * 4)
    relay_all(after_expiry(order, 5))

    assert outcome(order) == (OrderStatus.CLOSED, Status.CLOSED, [])
    assert channel.calls["close"] == 1


@pytest.mark.django_db(transaction=True)
def test_cancel_against_success_ends_as_one_of_both(order, channel):
    """Whichever comes first at the channel, order and payment say the same."""
    payment_no = Payment.objects.get().payment_no

    def cancel():
        shop.cancel(order_no=order.order_no, now=order.created_at)

    def succeed():
        if channel.reports[payment_no].state is ChannelState.PENDING:
            channel.pay(payment_no)
            call_back(channel.callback(payment_no))

    at_once(cancel, succeed)
    close_due(now=after_expiry(order, 100))
    relay_all(after_expiry(order, 100))

    paid = (OrderStatus.PAID, Status.SUCCEEDED, ["applied"])
    cancelled = (OrderStatus.CANCELLED, Status.CLOSED, [])
    late = (OrderStatus.CANCELLED, Status.SUCCEEDED, ["surplus"])
    assert outcome(order) in (paid, cancelled, late)
    assert Order.objects.count() == 1
