"""A process that dies between any two steps of a close or of a refund: nothing is lost or doubled.

`tests/live/` does the same to real processes.
"""

import datetime as dt
import re
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest
from celery.signals import task_postrun

from common import kill_points
from orders.models import Order
from orders.states import OrderStatus
from payments.channels.base import RefundState
from payments.models import Payment, Refund
from payments.states import RefundStatus, Status
from shop import services as shop
from tests.flows.world import call_back, later
from workers.tasks import relay_due

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("books")]
CONSULT = ["consult.claimed", "consult.asked", "settle.written", "consult.settled"]
CLOSE = ["close.asked", "close.queried", "close.closed", "close.queried_again", "close.settled"]
CLOSE += CONSULT
CALLBACK = ["callback.judged", "settle.written", "callback.committed"]
REFUND = ["refund.requested", "refund.claimed", "refund.sent"]
REFUND += ["refund.stored", "refund.written", "refund.settled"]
HALF_AN_HOUR = 1800


class Killed(BaseException):
    """The process is dead: nothing catches this."""


class Killer:
    """Kills at a point, once; `hit` says whether it came to that."""

    def __init__(self, point):
        self.point, self.hit = point, False

    def __call__(self, point):
        if point == self.point and not self.hit:
            self.hit = True
            raise Killed


def live_through(point, beat, start, minutes, deed=lambda: None):
    """A deed and minutes of beat, in which the process dies once, at that point, and starts again.

    Whatever else it would have done there is left to the minutes that follow.
    """
    killer = Killer(point)
    with kill_points.acting(killer):
        with suppress(Killed):
            deed()
        for minute in range(minutes):
            with suppress(Killed):
                beat.tick(start + dt.timedelta(minutes=minute))
    return killer.hit


def expire(payment, beat):
    beat.tick(later(payment, HALF_AN_HOUR + 5))


def cancel(payment, _beat):
    shop.cancel(order_no=payment.order_no, now=later(payment, HALF_AN_HOUR - 600))


def pay_elsewhere(payment, _beat):
    now = later(payment, HALF_AN_HOUR - 600)
    shop.pay(order_no=payment.order_no, channel="other", now=now)


# Each with the points that only it passes, and where an order ends for which nothing was paid.
WAYS = [
    (expire, ["close.taken", "close.begun"], OrderStatus.CLOSED),
    (cancel, ["close.begun"], OrderStatus.CANCELLED),
    (pay_elsewhere, [], OrderStatus.CLOSED),
]
CLOSINGS = [(way, point, end) for way, own, end in WAYS for point in (*own, *CLOSE)]


def named(closing):
    way, point, _ = closing
    return f"{way.__name__} {point}"


@pytest.fixture
def _late_money_goes_back(settings):
    settings.LATE_MONEY = "refund"


@pytest.mark.parametrize(
    "closing",
    [*CLOSINGS, *[(way, "relay.handed_over", end) for way, _, end in WAYS]],
    ids=named,
)
def test_a_close_that_dies_at_any_step_is_finished(app, channel, beat, closing):
    way, point, end = closing
    payment = app.buy()
    start = later(payment, HALF_AN_HOUR + 60)

    assert live_through(point, beat, start, 8, lambda: way(payment, beat))
    live_through("", beat, start + dt.timedelta(minutes=HALF_AN_HOUR), 2)

    assert Order.objects.get().status == end
    assert set(Payment.objects.values_list("status", flat=True)) == {Status.CLOSED}
    assert channel.reports[payment.payment_no].state == "closed"
    assert payment.events.count() == 3


@pytest.mark.parametrize("point", CLOSE)
def test_a_shopper_whose_change_of_wallet_dies_pays_at_the_other_one(
    app, channel, other_channel, beat, point
):
    payment = app.buy()
    start = later(payment, HALF_AN_HOUR - 500)
    assert live_through(point, beat, start, 3, lambda: pay_elsewhere(payment, beat))

    other = shop.pay(order_no=payment.order_no, channel="other", now=beat.now)
    other_channel.pay(other.payment_no)
    call_back(other_channel.callback(other.payment_no), to="other")
    live_through("", beat, beat.now, 1)

    assert Order.objects.get().status == OrderStatus.PAID
    assert (channel.held(), other_channel.held()) == (0, 1250)
    assert channel.reports[payment.payment_no].state == "closed"


@pytest.mark.parametrize("closing", CLOSINGS, ids=named)
def test_a_shopper_who_pays_while_a_close_dies_has_her_order(app, channel, beat, closing):
    """She pays in the moment of the death: before the channel closes, or it is too late."""
    way, point, end = closing
    payment = app.buy()

    def pay_and_die(at):
        if at == point:
            if channel.reports[payment.payment_no].state == "pending":
                channel.pay(payment.payment_no)
            raise Killed

    with kill_points.acting(pay_and_die), pytest.raises(Killed):
        way(payment, beat)
    live_through("", beat, later(payment, HALF_AN_HOUR + 180), 6)

    payment.refresh_from_db()
    ends = (Order.objects.get().status, payment.status, channel.held())
    assert ends in [(OrderStatus.PAID, Status.SUCCEEDED, 1250), (end, Status.CLOSED, 0)]


@pytest.mark.usefixtures("_late_money_goes_back")
@pytest.mark.parametrize("point", [*REFUND, "relay.handed_over"])
@pytest.mark.parametrize("at_once", [True, False], ids=["done at once", "done later"])
def test_a_refund_that_dies_at_any_step_is_made_once(app, channel, beat, point, at_once):
    channel.refund_state = RefundState.SUCCEEDED if at_once else RefundState.PENDING
    payment = app.buy()
    live_through("", beat, later(payment, HALF_AN_HOUR + 5), 2)
    channel.pay(payment.payment_no)
    call_back(channel.callback(payment.payment_no))

    assert live_through(point, beat, later(payment, HALF_AN_HOUR + 300), 6)
    if not at_once:
        channel.end_refund(Refund.objects.get().refund_no, RefundState.SUCCEEDED)
        live_through("", beat, later(payment, HALF_AN_HOUR + 900), 12)

    assert Refund.objects.get().status == RefundStatus.SUCCEEDED
    assert len(channel.refunds) == 1
    assert Order.objects.get().status == OrderStatus.REFUNDED
    assert channel.held() == 0


@pytest.mark.parametrize("point", [*CONSULT, "relay.handed_over"])
def test_a_consult_that_dies_at_any_step_is_made_up_for(app, channel, beat, point):
    payment = app.buy()
    channel.pay(payment.payment_no)

    assert live_through(point, beat, later(payment, 61), 6)

    assert Order.objects.get().status == OrderStatus.PAID
    assert [event.to_status for event in payment.events.all()] == [
        Status.CREATED,
        Status.PAYING,
        Status.SUCCEEDED,
    ]


@pytest.mark.parametrize("point", CALLBACK)
def test_a_callback_whose_handler_dies_at_any_step_is_taken_once(app, channel, beat, point):
    payment = app.buy()
    channel.pay(payment.payment_no)
    callback = channel.callback(payment.payment_no)

    with kill_points.acting(Killer(point)), pytest.raises(Killed):
        call_back(callback)
    again = call_back(callback)
    live_through("", beat, later(payment, 5), 1)

    assert again.status_code == 200
    assert Order.objects.get().status == OrderStatus.PAID
    assert payment.events.count() == 3


def test_a_shopper_whose_request_dies_before_a_worker_is_woken_pays_again(app, channel, beat):
    order = app.order()
    with kill_points.acting(Killer("wake.publishing")), pytest.raises(Killed):
        app.pay(order)

    payment = Payment.objects.get(payment_no=app.pay(order)["payment_no"])
    channel.pay(payment.payment_no)
    live_through("", beat, later(payment, 61), 2)

    assert Order.objects.get().status == OrderStatus.PAID


def test_a_task_whose_worker_dies_at_its_end_has_done_its_work(app, channel):
    payment = app.buy()
    channel.pay(payment.payment_no)
    call_back(channel.callback(payment.payment_no))

    with kill_points.acting(Killer("task.done")), pytest.raises(Killed):
        task_postrun.send(sender=relay_due.run())

    assert Order.objects.get().status == OrderStatus.PAID


def test_every_point_that_is_reached_is_listed_and_every_listed_one_is_reached():
    root = Path(__file__).resolve().parents[2]
    sources = [
        path.read_text()
        for package in ("common", "config", "orders", "payments", "shop", "workers")
        for path in (root / package).rglob("*.py")
    ]
    reached = set(re.findall(r'reach\("([a-z_.]+)"\)', "\n".join(sources)))

    assert reached == kill_points.POINTS
    assert all(a != b for a, b in pairwise(sorted(reached)))


def test_an_order_to_die_that_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match=r"refund\.sent"):
        kill_points.arm("refund.snet")
