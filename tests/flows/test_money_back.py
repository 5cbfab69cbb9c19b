"""Whole stories of money that moved oddly: each ends with a paid order or a refund, to the cent."""

import datetime as dt

import pytest

from orders.models import Order, Stock
from orders.states import OrderStatus
from payments import services
from payments.channels.base import (
    ChannelState,
    CloseOutcome,
    DefiniteNo,
    OutcomeUnknown,
    RefundState,
)
from payments.models import Payment, Refund
from payments.states import RefundReason, RefundStatus, Status
from shop import services as shop
from tests.flows.books import is_conserved, owed_back
from tests.flows.world import call_back, later

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("books")]
HALF_AN_HOUR = 1800


@pytest.fixture(autouse=True)
def _refunds_succeed(channel):
    channel.refund_state = RefundState.SUCCEEDED


@pytest.fixture
def tick(beat):
    """So many minutes of beat, from a time on; messages between them are carried by beat alone."""

    def run(start, minutes=1):
        for minute in range(minutes):
            beat.tick(start + dt.timedelta(minutes=minute))
        return start + dt.timedelta(minutes=minutes)

    return run


def ends(channel):
    """Statuses of order, payments and refunds; what the channel holds; what is owed back."""
    assert is_conserved(channel.held())
    return (
        Order.objects.get().status,
        sorted(Payment.objects.values_list("status", flat=True)),
        [(each.reason, each.status, each.amount) for each in Refund.objects.order_by("pk")],
        channel.held(),
        owed_back(),
    )


def back(reason, amount=1250, status=RefundStatus.SUCCEEDED):
    return (reason, status, amount)


def expire(app, tick):
    payment = app.buy()
    tick(later(payment, HALF_AN_HOUR + 30), 2)
    return payment


def test_an_order_that_nobody_pays_is_closed_everywhere(app, channel, tick):
    payment = expire(app, tick)

    assert ends(channel) == (OrderStatus.CLOSED, [Status.CLOSED], [], 0, 0)
    assert channel.reports[payment.payment_no].state is ChannelState.CLOSED


def test_late_money_revives_the_order(app, channel, tick):
    payment = expire(app, tick)
    channel.pay(payment.payment_no)
    call_back(channel.callback(payment.payment_no))

    tick(later(payment, HALF_AN_HOUR + 300))

    assert ends(channel) == (OrderStatus.PAID, [Status.SUCCEEDED], [], 1250, 0)
    assert Order.objects.get().revived_at is not None


def test_late_money_for_goods_that_are_gone_goes_back(app, channel, tick):
    Stock.objects.create(sku="tea", available=1)
    payment = expire(app, tick)
    Stock.objects.update(available=0)
    channel.pay(payment.payment_no)
    call_back(channel.callback(payment.payment_no))

    tick(later(payment, HALF_AN_HOUR + 300), 2)

    refunds = [back(RefundReason.LATE)]
    assert ends(channel) == (OrderStatus.REFUNDED, [Status.SUCCEEDED], refunds, 0, 0)


def test_late_money_goes_back_where_the_shop_wants_that(app, channel, tick, settings):
    settings.LATE_MONEY = "refund"
    payment = expire(app, tick)
    channel.pay(payment.payment_no)
    call_back(channel.callback(payment.payment_no))

    tick(later(payment, HALF_AN_HOUR + 300), 2)

    refunds = [back(RefundReason.LATE)]
    assert ends(channel) == (OrderStatus.REFUNDED, [Status.SUCCEEDED], refunds, 0, 0)


def pay_twice(app, channel, other_channel, tick):
    """Two wallets, and both have taken the money: the first one after it was closed."""
    order = app.order()
    first = app.pay(order, "fake")["payment_no"]
    second = app.pay(order, "other")["payment_no"]
    payment = Payment.objects.get(payment_no=second)
    for wallet, number in ((other_channel, second), (channel, first)):
        wallet.refund_state = RefundState.SUCCEEDED
        wallet.pay(number)
        call_back(wallet.callback(number), to=wallet.name)
        tick(later(payment, 60))
    return payment


def test_a_second_payment_at_another_channel_goes_back(app, channel, other_channel, tick):
    payment = pay_twice(app, channel, other_channel, tick)

    tick(later(payment, 300), 2)

    assert Order.objects.get().status == OrderStatus.PAID
    refund = Refund.objects.get()
    assert (refund.reason, refund.status) == (RefundReason.SECOND, RefundStatus.SUCCEEDED)
    assert (refund.payment.channel, channel.held(), other_channel.held()) == ("fake", 0, 1250)


def test_a_channel_that_charges_twice_gives_the_second_charge_back(app, channel, tick):
    payment = app.buy()
    channel.pay(payment.payment_no)
    channel.charge_again(payment.payment_no)

    tick(later(payment, 60), 3)

    refunds = [back(RefundReason.SECOND)]
    assert ends(channel) == (OrderStatus.PAID, [Status.SUCCEEDED], refunds, 1250, 0)


def test_a_second_charge_that_is_told_later_goes_back_too(app, channel, tick):
    payment = app.buy()
    channel.pay(payment.payment_no, capture_no="C1")
    call_back(channel.callback(payment.payment_no))
    tick(later(payment, 60))
    channel.charge_again(payment.payment_no)

    call_back(channel.callback(payment.payment_no))
    tick(later(payment, 120), 3)

    refunds = [back(RefundReason.SECOND)]
    assert ends(channel) == (OrderStatus.PAID, [Status.SUCCEEDED], refunds, 1250, 0)


def test_wrong_money_never_pays_and_is_kept_for_an_operator(app, channel, tick, books):
    books.owed = 999
    payment = app.buy()
    channel.pay(payment.payment_no, amount=999)

    tick(later(payment, 60), 3)

    assert ends(channel) == (OrderStatus.UNPAID, [Status.MISPAID], [], 999, 999)


def test_wrong_money_goes_back_where_the_shop_wants_that(app, channel, tick, settings):
    settings.MISPAID = "refund"
    payment = app.buy()
    channel.pay(payment.payment_no, amount=999)

    tick(later(payment, 60), 3)

    refunds = [back(RefundReason.MISPAID, 999)]
    assert ends(channel) == (OrderStatus.UNPAID, [Status.MISPAID], refunds, 0, 0)


def test_a_refund_that_is_accepted_and_later_fails_is_made_again(app, channel, tick, settings):
    settings.LATE_MONEY = "refund"
    channel.refund_state = RefundState.PENDING
    payment = expire(app, tick)
    channel.pay(payment.payment_no)
    call_back(channel.callback(payment.payment_no))
    now = tick(later(payment, HALF_AN_HOUR + 300), 2)
    channel.end_refund(Refund.objects.get().refund_no, RefundState.FAILED)
    channel.refund_state = RefundState.SUCCEEDED

    tick(now, 12)

    refunds = [back(RefundReason.LATE, status=RefundStatus.FAILED), back(RefundReason.LATE)]
    assert ends(channel) == (OrderStatus.REFUNDED, [Status.SUCCEEDED], refunds, 0, 0)


@pytest.mark.parametrize("executed", [True, False])
def test_a_refund_whose_answer_is_lost_is_made_once(app, channel, tick, settings, executed):
    settings.LATE_MONEY = "refund"
    channel.script("refund", OutcomeUnknown(), executed=executed)
    payment = expire(app, tick)
    channel.pay(payment.payment_no)
    call_back(channel.callback(payment.payment_no))

    tick(later(payment, HALF_AN_HOUR + 300), 4)

    refunds = [back(RefundReason.LATE)]
    assert ends(channel) == (OrderStatus.REFUNDED, [Status.SUCCEEDED], refunds, 0, 0)
    assert channel.calls["refund"] == (1 if executed else 2)


def test_a_refund_that_the_channel_refuses_is_owed_until_a_person_helps(
    app, channel, tick, settings
):
    settings.LATE_MONEY = "refund"
    channel.script("refund", *[DefiniteNo("not enough money")] * 3)
    payment = expire(app, tick)
    channel.pay(payment.payment_no)
    call_back(channel.callback(payment.payment_no))

    now = tick(later(payment, HALF_AN_HOUR + 300), 45)

    failed = back(RefundReason.LATE, status=RefundStatus.FAILED)
    assert ends(channel) == (OrderStatus.CLOSED, [Status.SUCCEEDED], [failed] * 3, 1250, 1250)
    services.request_refund(
        payment_no=payment.payment_no,
        amount=None,
        reason=RefundReason.LATE,
        origin="by hand",
        now=now,
    )
    tick(now, 2)
    assert owed_back() == 0 == channel.held()


def test_customers_get_parts_back_and_the_order_is_refunded_with_the_last_one(app, channel, tick):
    payment = app.buy()
    channel.pay(payment.payment_no)
    now = tick(later(payment, 60), 2)
    for part, amount in enumerate((1000, 250)):
        services.request_refund(
            payment_no=payment.payment_no,
            amount=amount,
            reason=RefundReason.CUSTOMER,
            origin=f"part/{part}",
            now=now,
        )
        now = tick(now, 2)
        assert is_conserved(channel.held())

    refunds = [back(RefundReason.CUSTOMER, 1000), back(RefundReason.CUSTOMER, 250)]
    assert ends(channel) == (OrderStatus.REFUNDED, [Status.SUCCEEDED], refunds, 0, 0)


def test_paying_again_first_closes_what_is_in_the_fog(app, channel, other_channel, tick):
    order = app.order()
    first = app.pay(order, "fake")["payment_no"]
    channel.script("close", CloseOutcome.BUSY)

    with pytest.raises(AssertionError, match="still-being-confirmed"):
        app.pay(order, "other")
    app.pay(order, "other")

    assert channel.reports[first].state is ChannelState.CLOSED
    assert sorted(Payment.objects.values_list("status", flat=True)) == ["closed", "paying"]


def test_a_paid_order_is_not_touched_when_its_time_is_over(app, channel, tick):
    payment = app.buy()
    channel.pay(payment.payment_no)

    tick(later(payment, HALF_AN_HOUR + 30), 3)

    assert ends(channel) == (OrderStatus.PAID, [Status.SUCCEEDED], [], 1250, 0)


def test_a_shopper_who_cancels_and_pays_all_the_same_gets_the_money_back(app, channel, tick):
    payment = app.buy()
    shop.cancel(order_no=payment.order_no, now=later(payment, 5))
    tick(later(payment, 30))
    assert ends(channel)[:2] == (OrderStatus.CANCELLED, [Status.CLOSED])
    channel.pay(payment.payment_no)
    call_back(channel.callback(payment.payment_no))

    tick(later(payment, 120), 3)

    refunds = [back(RefundReason.LATE)]
    assert ends(channel) == (OrderStatus.REFUNDED, [Status.SUCCEEDED], refunds, 0, 0)


def test_late_money_pays_an_open_order_and_what_else_is_open_is_closed(
    app, channel, other_channel, tick
):
    order = app.order()
    first = app.pay(order, "fake")["payment_no"]
    second = app.pay(order, "other")["payment_no"]
    payment = Payment.objects.get(payment_no=second)
    channel.pay(first)  # though it was closed for the second one
    call_back(channel.callback(first))

    tick(later(payment, 60), 2)

    assert Order.objects.get().status == OrderStatus.PAID
    assert other_channel.reports[second].state is ChannelState.CLOSED
    assert sorted(Payment.objects.values_list("status", flat=True)) == ["closed", "succeeded"]


@pytest.mark.parametrize("amount", [1250, 100])
def test_an_operator_who_refunds_before_the_order_knows_of_a_second_capture(
    app, channel, tick, amount
):
    """The relay comes after her: it sends back only what of that capture does not go back yet."""
    payment = app.buy()
    channel.pay(payment.payment_no, capture_no="C1")
    now = tick(later(payment, 60), 2)
    channel.charge_again(payment.payment_no)
    services.query_now(payment_no=payment.payment_no, now=now, actor="")
    services.request_refund(
        payment_no=payment.payment_no,
        amount=amount,
        reason=RefundReason.CUSTOMER,
        origin="admin/1",
        now=now,
        actor="olivia",
    )

    tick(now, 4)

    assert sum(refund.amount for refund in Refund.objects.all()) == 1250
    assert ends(channel)[0] == OrderStatus.PAID
    assert (channel.held(), owed_back()) == (1250, 0)


def test_a_payment_of_nothing_leaves_an_order_that_was_never_paid_closed(app, channel, tick):
    payment = app.buy()
    channel.pay(payment.payment_no, amount=0)

    tick(later(payment, 60), 2)
    tick(later(payment, HALF_AN_HOUR + 30), 2)

    assert Order.objects.get().status == OrderStatus.CLOSED
