"""Clocks that disagree by ten minutes, or are set back: found later perhaps, and never twice."""

import pytest
from freezegun import freeze_time

from orders.models import LedgerEntry, Order
from orders.states import OrderStatus
from payments.models import PaymentEvent
from payments.states import Status
from tests.flows.world import call_back, later

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_messages"),
]
TEN_MINUTES = 600


def outcome(payment):
    payment.refresh_from_db()
    return payment.status, Order.objects.get().status, LedgerEntry.objects.count()


def is_gapless(payment):
    seqs = PaymentEvent.objects.filter(payment=payment).order_by("pk").values_list("seq", flat=True)
    return list(seqs) == list(range(1, len(seqs) + 1))


PAID_ONCE = (Status.SUCCEEDED, OrderStatus.PAID, 1)


@pytest.mark.parametrize("skew", [-TEN_MINUTES, TEN_MINUTES])
def test_a_worker_whose_clock_is_off_finds_a_lost_callbacks_money(app, channel, beat, skew):
    payment = app.buy()
    channel.pay(payment.payment_no)

    for minute in (1, 6, 11, 12):
        beat.tick(later(payment, 60 * minute + skew))

    assert outcome(payment) == PAID_ONCE
    assert is_gapless(payment)


@pytest.mark.parametrize("skew", [-TEN_MINUTES, TEN_MINUTES])
def test_a_worker_whose_clock_is_off_tells_the_order_what_web_has_settled(app, channel, beat, skew):
    payment = app.buy()
    channel.pay(payment.payment_no)
    call_back(channel.callback(payment.payment_no))

    for minute in (1, 6, 11, 12):
        beat.tick(later(payment, 60 * minute + skew))

    assert outcome(payment) == PAID_ONCE


def test_two_workers_twenty_minutes_apart_ask_twice_and_settle_once(app, channel, beat):
    payment = app.buy()

    for minute in (1, 5):
        beat.tick(later(payment, 60 * minute + TEN_MINUTES))
        beat.tick(later(payment, 60 * minute - TEN_MINUTES))
    channel.pay(payment.payment_no)
    for minute in (12, 20, 26, 40):
        beat.tick(later(payment, 60 * minute + TEN_MINUTES))
        beat.tick(later(payment, 60 * minute - TEN_MINUTES))

    assert outcome(payment) == PAID_ONCE
    assert is_gapless(payment)


def test_a_clock_that_is_set_back_by_an_hour_takes_nothing_back(app, channel, beat):
    payment = app.buy()
    channel.pay(payment.payment_no)
    beat.tick(later(payment, 60))
    told = outcome(payment)

    with freeze_time(later(payment, -3600)):
        answer = call_back(channel.callback(payment.payment_no))
        beat.tick(later(payment, -3600))

    assert (answer.status_code, told, outcome(payment)) == (200, PAID_ONCE, PAID_ONCE)
    assert is_gapless(payment)
