"""Paying again, or another way: never two payments in the fog, and only the channel makes room."""

from dataclasses import replace

import pytest
from django.utils import timezone

from orders.models import Order
from payments.channels.base import (
    ChannelState,
    CloseOutcome,
    NotExecuted,
    OutcomeUnknown,
    RefundState,
)
from payments.models import Payment
from payments.states import IN_FOG, Status
from tests.shop.conftest import (
    close_orders,
    learn,
    send_refunds,
    start,
    tell_orders,
    time_runs_out,
)

pytestmark = pytest.mark.django_db
UNDECIDED = [
    ("query", OutcomeUnknown()),
    ("query", NotExecuted("rate limit", retry_after=30)),
    ("close", CloseOutcome.BUSY),
    ("close", OutcomeUnknown()),
    ("close", NotExecuted("rate limit", retry_after=30)),
    ("close", CloseOutcome.CLOSED),  # says so, but a query does not
    ("close", CloseOutcome.ALREADY_PAID),
]


def expire(payment):
    Payment.objects.filter(payment_no=payment["payment_no"]).update(expires_at=timezone.now())


def problem(answer):
    return answer.status_code, answer.json()["type"].removeprefix("urn:nodrop:")


def in_fog():
    return Payment.objects.filter(status__in=IN_FOG).count()


@pytest.mark.parametrize("way", ["fake", "other"], ids=["expired", "elsewhere"])
@pytest.mark.parametrize("step", UNDECIDED, ids=str)
def test_no_other_payment_starts_before_the_channel_says_that_no_money_came(
    guest, channel, other_channel, way, step
):
    order = guest.order()
    first = guest.pay(order)
    expire(first)
    channel.script(*step)

    refused = start(guest, order, way)

    assert problem(refused) == (409, "still-being-confirmed")
    assert refused.json()["payment_no"] == first["payment_no"]
    assert (Payment.objects.count(), other_channel.calls["create"]) == (1, 0)
    assert Payment.objects.get().close_asked_at is not None


def test_it_may_be_paid_again_as_soon_as_the_channel_has_said_so(guest, channel):
    order = guest.order()
    guest.pay(order)
    channel.script("close", CloseOutcome.BUSY)
    start(guest, order, "other")

    again = start(guest, order, "other")

    assert again.status_code == 201
    assert in_fog() == 1


def test_a_payment_whose_close_was_asked_for_is_not_offered_again(guest, channel):
    order = guest.order()
    first = guest.pay(order)
    channel.script("close", CloseOutcome.BUSY)
    start(guest, order, "other")

    again = start(guest, order)

    assert again.status_code == 201
    assert again.json()["payment_no"] != first["payment_no"]
    assert in_fog() == 1


@pytest.mark.parametrize("way", ["fake", "other"], ids=["expired", "elsewhere"])
def test_a_payment_that_is_paid_while_it_is_being_closed_pays_the_order(guest, channel, way):
    order = guest.order()
    first = guest.pay(order)
    expire(first)
    channel.before["close"] = lambda: channel.pay(first["payment_no"])

    answer = start(guest, order, way)
    tell_orders()

    assert problem(answer) == (409, "already-paid")
    assert Order.objects.get().status == "paid"
    assert Payment.objects.count() == 1


def test_other_money_has_to_go_back_before_the_order_is_paid_again(guest, channel, settings):
    settings.MISPAID = "refund"
    order = guest.order()
    first = guest.pay(order)
    channel.pay(first["payment_no"], amount=1)
    learn(first["payment_no"])
    answers = [start(guest, order)]
    tell_orders()  # the refund is asked for
    answers.append(start(guest, order))
    send_refunds()  # the channel has accepted it
    answers.append(start(guest, order))

    channel.refund_state = RefundState.SUCCEEDED
    for refund_no in list(channel.refunds):
        channel.end_refund(refund_no, RefundState.SUCCEEDED)
    send_refunds()

    assert [problem(answer) for answer in answers] == [(409, "other-money-came")] * 3
    assert answers[0].json()["payment_no"] == first["payment_no"]
    assert start(guest, order).status_code == 201


def test_other_money_that_is_found_by_closing_is_told(guest, channel):
    order = guest.order()
    first = guest.pay(order)
    channel.pay(first["payment_no"], amount=1)

    assert problem(start(guest, order, "other")) == (409, "other-money-came")
    assert Payment.objects.get().status == Status.MISPAID


@pytest.mark.parametrize("is_told", [True, False], ids=["closing", "not yet closing"])
def test_when_its_time_is_over_an_order_takes_no_payment(guest, channel, is_told):
    order = guest.order()
    time_runs_out()
    if is_told:
        close_orders()

    answer = start(guest, order)

    assert problem(answer) == (409, "order-not-payable")
    assert not Payment.objects.exists()


def test_an_open_payment_of_an_order_that_is_being_closed_is_not_offered_again(guest, channel):
    order = guest.order()
    guest.pay(order)
    Order.objects.update(expires_at=timezone.now(), close_due_at=timezone.now())
    channel.script("close", CloseOutcome.BUSY, CloseOutcome.BUSY)
    close_orders()

    assert problem(start(guest, order)) == (409, "still-being-confirmed")
    assert problem(start(guest, order)) == (409, "order-not-payable")
    assert Payment.objects.get().status == Status.CLOSED


def test_a_payment_takes_no_money_when_the_order_takes_none(guest, channel):
    order = guest.order()

    payment = guest.pay(order)

    assert payment["expires_at"] == order["expires_at"]
    assert channel.keys[Payment.objects.get().idempotency_key].expires_at == (
        Order.objects.get().expires_at
    )


def test_paying_elsewhere_closes_the_open_payment_first(guest, channel, other_channel):
    order = guest.order()
    first = guest.pay(order)

    second = start(guest, order, "other").json()

    assert channel.reports[first["payment_no"]].state == ChannelState.CLOSED
    assert Payment.objects.get(payment_no=first["payment_no"]).status == Status.CLOSED
    assert second["channel"] == "other"


def test_paying_elsewhere_is_refused_when_the_first_payment_came_through(guest, channel):
    order = guest.order()
    first = guest.pay(order)
    channel.pay(first["payment_no"])

    answer = start(guest, order, "other")

    assert (answer.status_code, answer.json()["type"]) == (409, "urn:nodrop:already-paid")
    assert answer.json()["payment_no"] == first["payment_no"]


def test_nobody_pays_twice_while_the_order_has_not_heard_of_the_success(guest, channel):
    order = guest.order()
    payment = guest.pay(order)
    channel.pay(payment["payment_no"])
    learn(payment["payment_no"])

    assert start(guest, order).json()["type"] == "urn:nodrop:already-paid"
    tell_orders()
    assert start(guest, order).json()["type"] == "urn:nodrop:order-not-payable"
    assert Payment.objects.count() == 1


def test_an_expired_payment_is_closed_and_not_offered_again(guest, channel):
    order = guest.order()
    first = guest.pay(order)
    Payment.objects.update(expires_at=timezone.now())

    second = start(guest, order).json()

    assert second["payment_no"] != first["payment_no"]
    assert channel.reports[first["payment_no"]].state == ChannelState.CLOSED


def test_a_failed_payment_makes_room_for_another(guest, channel):
    order = guest.order()
    first = guest.pay(order)
    channel.end(first["payment_no"], ChannelState.FAILED)
    learn(first["payment_no"])

    assert start(guest, order).status_code == 201


@pytest.mark.parametrize("body", [{"channel": "nope"}, {"channel": 5}, {}], ids=str)
def test_a_request_that_is_refused_leaves_the_open_payment_open(guest, channel, body):
    order = guest.order()
    first = guest.pay(order)

    refused = guest.post(f"/orders/{order['order_no']}/payments", body)

    assert problem(refused) == (400, "invalid")
    assert channel.calls["close"] == 0
    assert Payment.objects.get().close_asked_at is None
    assert guest.pay(order) == first


def test_a_channel_that_takes_no_such_money_leaves_the_open_payment_open(
    guest, channel, other_channel
):
    order = guest.order()
    guest.pay(order)
    other_channel.capabilities = replace(other_channel.capabilities, currencies=frozenset({"XAF"}))

    refused = start(guest, order, "other")

    assert problem(refused) == (400, "invalid")
    assert (channel.calls["close"], in_fog()) == (0, 1)


def test_an_order_whose_time_is_over_leaves_the_payment_of_the_last_minute_open(guest, channel):
    order = guest.order()
    guest.pay(order)
    Order.objects.update(expires_at=timezone.now())

    refused = start(guest, order, "other")

    assert problem(refused) == (409, "order-not-payable")
    assert (channel.calls["close"], in_fog()) == (0, 1)
