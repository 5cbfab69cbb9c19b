"""A process that dies between any two steps of a close or of a refund: nothing is lost or doubled.

`tests/live/` does the same to real processes.
"""

import datetime as dt
import re
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
from tests.flows.books import is_conserved, owed_back
from tests.flows.world import call_back, later
from workers.tasks import relay_due

pytestmark = pytest.mark.django_db(transaction=True)
CLOSE = ["close.begun", "close.queried", "close.closed", "close.queried_again", "close.settled"]
CONSULT = ["consult.claimed", "consult.asked", "settle.written", "consult.settled"]
CALLBACK = ["callback.judged", "settle.written", "callback.committed"]
REFUND = ["refund.requested", "refund.claimed", "refund.sent", "refund.settled"]
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


def live_through(point, beat, start, minutes):
    """Minutes of beat in which the process dies once, at that point, and is started again."""
    killer = Killer(point)
    with kill_points.acting(killer):
        for minute in range(minutes):
            try:
                beat.tick(start + dt.timedelta(minutes=minute))
            except Killed:
                continue  # whatever else the minute held is left to the next one
    return killer.hit


@pytest.fixture
def _late_money_goes_back(settings):
    settings.LATE_MONEY = "refund"


@pytest.mark.parametrize("point", [*CLOSE, "relay.handed_over"])
def test_a_close_that_dies_at_any_step_is_finished(app, channel, beat, point):
    payment = app.buy()

    assert live_through(point, beat, later(payment, HALF_AN_HOUR + 5), 8)

    assert Order.objects.get().status == OrderStatus.CLOSED
    assert Payment.objects.get().status == Status.CLOSED
    assert payment.events.count() == 3


@pytest.mark.parametrize("point", CLOSE)
def test_a_shopper_who_pays_while_a_close_dies_has_her_order(app, channel, beat, point):
    """She pays in the moment of the death: before the channel closes, or it is too late."""
    payment = app.buy()

    def pay_and_die(at):
        if at == point:
            if channel.reports[payment.payment_no].state == "pending":
                channel.pay(payment.payment_no)
            raise Killed

    start = later(payment, HALF_AN_HOUR + 5)
    with kill_points.acting(pay_and_die), pytest.raises(Killed):
        beat.tick(start)
    live_through("", beat, start + dt.timedelta(minutes=3), 6)

    ends = (Order.objects.get().status, Payment.objects.get().status, channel.held())
    assert ends in [
        (OrderStatus.PAID, Status.SUCCEEDED, 1250),
        (OrderStatus.CLOSED, Status.CLOSED, 0),
    ]
    assert is_conserved(channel.held())


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
    assert is_conserved(channel.held())
    assert (channel.held(), owed_back()) == (0, 0)


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
    assert is_conserved(channel.held())


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
    assert is_conserved(channel.held())


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
