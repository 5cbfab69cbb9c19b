"""Money that comes late, again, or not as it was asked for: recorded, and told to the order."""

import pytest
from django.utils import timezone

from orders.models import LedgerEntry, Order
from orders.states import Entry, OrderStatus
from payments import services
from payments.models import Payment
from payments.states import Source, Status, Verdict
from shop.services import cancel
from tests.flows.world import call_back, later, relay_all

pytestmark = pytest.mark.django_db


def outcome():
    """Status of payment and order, and what became of the money."""
    relay_all(timezone.now())
    entries = LedgerEntry.objects.values_list("amount", "entry")
    return Payment.objects.get().status, Order.objects.get().status, list(entries)


def test_money_for_an_order_that_was_cancelled_meanwhile_is_owed_back(app, channel):
    payment = app.buy()
    cancel(order_no=payment.order_no, now=timezone.now())
    assert outcome() == (Status.CLOSED, OrderStatus.CANCELLED, [])
    channel.pay(payment.payment_no)

    call_back(channel.callback(payment.payment_no))

    assert outcome() == (Status.SUCCEEDED, OrderStatus.CANCELLED, [(1250, Entry.SURPLUS)])


def test_a_late_success_of_a_closed_payment_pays_the_order_that_still_waits(app, channel):
    payment = app.buy()
    services.close_payment(payment_no=payment.payment_no, now=timezone.now())
    assert outcome() == (Status.CLOSED, OrderStatus.UNPAID, [])
    channel.pay(payment.payment_no)

    call_back(channel.callback(payment.payment_no))

    assert outcome() == (Status.SUCCEEDED, OrderStatus.PAID, [(1250, Entry.APPLIED)])


def test_a_second_payment_of_a_paid_order_is_owed_back(app, channel):
    order = app.order()
    late = Payment.objects.get(payment_no=app.pay(order)["payment_no"])
    services.close_payment(payment_no=late.payment_no, now=timezone.now())
    relay_all(timezone.now())
    second = app.pay(order)["payment_no"]
    for number in (second, late.payment_no):
        channel.pay(number)
        call_back(channel.callback(number))

    relay_all(timezone.now())

    assert Order.objects.get().status == OrderStatus.PAID
    entries = LedgerEntry.objects.values_list("payment_no", "entry")
    assert list(entries) == [(second, Entry.APPLIED), (late.payment_no, Entry.SURPLUS)]


def test_a_callback_replayed_after_the_end_changes_nothing(app, channel):
    payment = app.buy()
    channel.pay(payment.payment_no)
    callback = channel.callback(payment.payment_no)
    call_back(callback)
    before = outcome()
    version = Order.objects.get().version

    assert [call_back(callback).status_code for _ in range(3)] == [200] * 3

    assert outcome() == before == (Status.SUCCEEDED, OrderStatus.PAID, [(1250, Entry.APPLIED)])
    assert Order.objects.get().version == version


def test_an_old_pending_callback_replayed_after_the_end_takes_nothing_back(app, channel):
    payment = app.buy()
    old = channel.callback(payment.payment_no)
    channel.pay(payment.payment_no)
    call_back(channel.callback(payment.payment_no))

    assert call_back(old).status_code == 200

    assert outcome() == (Status.SUCCEEDED, OrderStatus.PAID, [(1250, Entry.APPLIED)])


@pytest.mark.parametrize(
    ("wrong", "entry"),
    [
        ({"amount": 1}, (1, Entry.SURPLUS)),
        ({"amount": 125000}, (125000, Entry.SURPLUS)),
        ({"currency": "JPY"}, (1250, Entry.SURPLUS)),
        ({"merchant": "somebody-else"}, (1250, Entry.SURPLUS)),
    ],
)
def test_other_money_found_by_a_consult_pays_nothing_and_is_owed_back(app, channel, wrong, entry):
    payment = app.buy()
    channel.pay(payment.payment_no, **wrong)

    services.consult_due(now=later(payment, 10))
    relay_all(later(payment, 60))

    assert outcome() == (Status.MISPAID, OrderStatus.UNPAID, [entry])
    assert payment.events.last().source == Source.CONSULT


def test_the_right_amount_told_after_the_wrong_one_contradicts_and_alerts(app, channel, caplog):
    payment = app.buy()
    channel.pay(payment.payment_no, amount=1)
    services.consult_due(now=later(payment, 10))
    channel.pay(payment.payment_no, amount=1250)

    call_back(channel.callback(payment.payment_no))

    assert payment.evidence.last().verdict == Verdict.CONTRADICTS
    assert "alert.contradiction" in caplog.text
