"""Whole stories, and what the systems that fulfil orders are told of them: each fact, in order."""

import datetime as dt
import json

import pytest

from common import kill_points
from orders.models import Notification, Order
from payments import services
from payments.channels.base import RefundState
from payments.states import RefundReason
from shop import services as shop
from tests.flows.world import call_back, later, relay_all
from tests.orders.telling import an_endpoint

pytestmark = pytest.mark.django_db(transaction=True)
HALF_AN_HOUR = 1800


@pytest.fixture(autouse=True)
def _warehouse(channel):
    """A system that is told, and that nothing reaches: what it should hear stays to be read."""
    channel.refund_state = RefundState.SUCCEEDED
    an_endpoint("https://warehouse.invalid/hook")


@pytest.fixture
def tick(beat):
    """So many minutes of beat, from so many seconds after the payment's start on."""

    def run(payment, seconds, minutes=1):
        for minute in range(minutes):
            beat.tick(later(payment, seconds) + dt.timedelta(minutes=minute))

    return run


def told():
    """What was written for the warehouse: types and data, in the order of writing."""
    bodies = [json.loads(row.body) for row in Notification.objects.order_by("pk")]
    return [(body["type"], body["data"]) for body in bodies]


def types():
    return [type for type, _data in told()]


def statuses():
    return [data["status"] for _type, data in told()]


def pay(channel, payment):
    channel.pay(payment.payment_no)
    call_back(channel.callback(payment.payment_no))


def expire(app, tick):
    payment = app.buy()
    tick(payment, HALF_AN_HOUR + 30, 2)
    return payment


def test_who_pays_is_told_as_paid(app, channel, tick):
    payment = app.buy()
    pay(channel, payment)

    tick(payment, 60)

    [(type, data)] = told()
    assert (type, data["status"]) == ("order.paid", "paid")
    assert (data["order_no"], data["version"]) == (payment.order_no, Order.objects.get().version)


def test_an_order_whose_time_is_over_is_told_as_closed(app, tick):
    expire(app, tick)

    assert (types(), statuses()) == (["order.closed"], ["closed"])


def test_an_order_that_is_cancelled_is_told_as_closed_and_says_so(app, tick):
    payment = app.buy()
    shop.cancel(order_no=payment.order_no, now=later(payment, 5))

    tick(payment, 30)

    assert (types(), statuses()) == (["order.closed"], ["cancelled"])


def test_late_money_is_told_as_an_order_that_came_back(app, channel, tick):
    payment = expire(app, tick)
    pay(channel, payment)

    tick(payment, HALF_AN_HOUR + 300)

    assert types() == ["order.closed", "order.revived"]
    assert statuses() == ["closed", "paid"]


def test_late_money_that_goes_back_is_told_with_its_reason(app, channel, tick, settings):
    settings.LATE_MONEY = "refund"
    payment = expire(app, tick)
    pay(channel, payment)

    tick(payment, HALF_AN_HOUR + 300, 2)

    assert types() == ["order.closed", "order.refunded", "refund.succeeded"]
    assert statuses() == ["closed", "refunded", "refunded"]
    refund = told()[-1][1]["refund"]
    assert (refund["payment_no"], refund["amount"]) == (payment.payment_no, 1250)
    assert refund["reason"] == "late"


def refund_by_hand(payment, amount, origin):
    services.request_refund(
        payment_no=payment.payment_no,
        amount=amount,
        reason=RefundReason.CUSTOMER,
        origin=origin,
        now=later(payment, 120),
    )


def test_a_part_that_goes_back_to_the_customer_leaves_the_order_paid(app, channel, tick):
    payment = app.buy()
    pay(channel, payment)
    tick(payment, 60)

    refund_by_hand(payment, 1000, "part/1")
    tick(payment, 120, 2)

    assert types() == ["order.paid", "refund.succeeded"]
    data = told()[-1][1]
    assert data["status"] == "paid"
    assert (data["refund"]["amount"], data["refund"]["reason"]) == (1000, "customer")


def test_the_last_part_that_goes_back_is_told_as_refunded(app, channel, tick):
    payment = app.buy()
    pay(channel, payment)
    tick(payment, 60)

    refund_by_hand(payment, 1000, "part/1")
    refund_by_hand(payment, 250, "part/2")
    tick(payment, 120, 2)

    once = ["order.paid", "refund.succeeded", "order.refunded", "refund.succeeded"]
    assert types() == once


def test_a_fact_that_is_rolled_back_is_told_once_when_it_comes_true(app, channel):
    class Killed(BaseException):
        pass

    def die(point):
        if point == "relay.handed_over":
            died.append(Notification.objects.filter(type="order.paid").count())
            raise Killed

    died = []
    payment = app.buy()
    relay_all(later(payment, 1))
    pay(channel, payment)

    with kill_points.acting(die), pytest.raises(Killed):
        relay_all(later(payment, 2))
    left = types()
    relay_all(later(payment, 60))

    assert died == [1]  # written, and not committed
    assert left == []
    assert types() == ["order.paid"]
