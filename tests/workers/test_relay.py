"""The relay: each payment event reaches the order side exactly once, however often it is tried."""

import datetime as dt

import pytest
from django.utils import timezone

from orders.models import LedgerEntry, Order
from orders.states import Entry, OrderStatus
from payments import services
from payments.models import PaymentEvent
from tests.factories import a_payment, an_order
from workers import relay
from workers.telling import tell_of_payment

pytestmark = pytest.mark.django_db


def a_paid_payment(channel, order=None, **wrong):
    payment = a_payment(order)
    channel.pay(payment.payment_no, **wrong)
    services.query_now(payment_no=payment.payment_no, now=timezone.now(), actor="")
    return payment


def relay_now(*, later=0):
    return relay.relay_due(now=timezone.now() + dt.timedelta(seconds=later))


def status_of(order):
    order.refresh_from_db()
    return order.status


def test_a_succeeded_payment_pays_its_order(channel):
    order = an_order()
    payment = a_paid_payment(channel, order)

    assert relay_now() == 3

    assert status_of(order) == OrderStatus.PAID
    entry = order.ledger.get()
    assert (entry.payment_no, entry.amount, entry.entry) == (
        payment.payment_no,
        order.total,
        Entry.APPLIED,
    )
    assert not PaymentEvent.objects.filter(relayed_at=None).exists()


def test_a_started_payment_makes_its_order_paying_and_an_ended_one_unpaid_again(channel):
    order = an_order()
    payment = a_payment(order)
    relay_now()
    assert status_of(order) == OrderStatus.PAYING

    services.close_payment(payment_no=payment.payment_no, now=timezone.now())
    relay_now()

    assert status_of(order) == OrderStatus.UNPAID


def test_an_event_handed_over_twice_is_recorded_once(channel):
    order = an_order()
    a_paid_payment(channel, order)
    relay_now()
    version = Order.objects.get().version

    PaymentEvent.objects.update(relayed_at=None, relay_due_at=timezone.now())
    relay_now()

    assert LedgerEntry.objects.count() == 1
    assert Order.objects.get().version == version


def test_an_event_that_another_relay_has_handed_over_is_not_told_again(channel):
    a_paid_payment(channel)
    event = PaymentEvent.objects.last()
    told = []

    for _ in range(2):  # two that had claimed it, one after the other's lease
        relay._hand_over(event, lambda each, _now: told.append(each), timezone.now())

    assert told == [event]


@pytest.mark.parametrize("order_of_events", [(2, 1, 3), (3, 1, 2), (3, 2, 1), (1, 3, 2)])
def test_events_in_any_order_end_in_the_same_order_state(channel, order_of_events):
    order = an_order()
    a_paid_payment(channel, order)
    events = {event.seq: event for event in PaymentEvent.objects.all()}

    for seq in order_of_events:
        relay._hand_over(events[seq], tell_of_payment, timezone.now())

    assert status_of(order) == OrderStatus.PAID
    assert LedgerEntry.objects.get().entry == Entry.APPLIED


def test_mispaid_money_is_surplus_and_does_not_pay_the_order(channel):
    order = an_order()
    a_paid_payment(channel, order, merchant="somebody-else")

    relay_now()

    assert status_of(order) == OrderStatus.UNPAID
    assert LedgerEntry.objects.get().entry == Entry.SURPLUS


def test_a_poison_event_stops_no_other_and_is_tried_for_ever(channel, caplog):
    poison = a_paid_payment(channel)
    Order.objects.filter(order_no=poison.order_no).update(order_no="GONE")
    healthy = an_order()
    a_paid_payment(channel, healthy)

    for hour in range(6):
        relay_now(later=hour * 3700)

    assert status_of(healthy) == OrderStatus.PAID
    stuck = PaymentEvent.objects.filter(payment=poison).last()
    assert (stuck.relay_failures, stuck.relayed_at) == (6, None)
    assert stuck.relay_due_at is not None
    assert "UnknownOrder" in stuck.failures.first().error
    assert caplog.text.count("alert.relay") == 2 * 3


def test_a_poison_event_goes_through_once_its_cause_is_mended(channel):
    order = an_order()
    a_paid_payment(channel, order)
    Order.objects.update(order_no="GONE")
    relay_now()

    Order.objects.update(order_no=order.order_no)
    relay_now(later=3)

    assert status_of(order) == OrderStatus.PAID


@pytest.mark.parametrize(
    ("failures", "seconds"), [(1, 1), (2, 2), (5, 16), (12, 2048), (13, 3600), (5000, 3600)]
)
def test_the_delay_doubles_up_to_an_hour(failures, seconds):
    assert relay.delay_after(failures) == seconds


def test_a_crash_between_effect_and_confirmation_undoes_both(channel, monkeypatch):
    order = an_order()
    a_paid_payment(channel, order)

    def die(**_kwargs):
        raise SystemExit

    with monkeypatch.context() as crash:
        crash.setattr("orders.services.money.conclude", lambda *_, **__: die())
        with pytest.raises(SystemExit):
            relay_now()
    assert LedgerEntry.objects.count() == 0

    relay_now(later=31)

    assert status_of(order) == OrderStatus.PAID
