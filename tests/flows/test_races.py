"""Two at once, in threads on a real PostgreSQL: each thing still happens once.

Two taps on pay, and an order placed twice, are in tests/shop/test_races.py.
"""

import threading
import time

import pytest
from celery import current_app
from django.db import connection, transaction

from orders.models import LedgerEntry, Order
from orders.states import Entry, OrderStatus
from payments import services
from payments.models import Evidence, Payment, PaymentEvent
from payments.services import consulting
from payments.states import Source, Status, Verdict
from tests.factories import a_payment, an_opened_payment
from tests.flows.world import at_once, call_back, later, relay_all
from workers import relay, schedule

pytestmark = pytest.mark.django_db(transaction=True)
MANY = consulting.BATCH + 20  # more than one batch, so that two claims interleave


def history(payment):
    return list(payment.events.values_list("to_status", flat=True))


def many_paid(channel):
    payments = [a_payment() for _ in range(MANY)]
    for payment in payments:
        channel.pay(payment.payment_no)
    return payments


def all_asked_once_and_paid(payments):
    asked = Evidence.objects.exclude(source=Source.START).values_list("payment_no", flat=True)
    paid = Payment.objects.filter(status=Status.SUCCEEDED, consults=1, version=3)
    numbers = sorted(payment.payment_no for payment in payments)
    return sorted(asked) == numbers == sorted(paid.values_list("payment_no", flat=True))


def test_the_same_callback_twenty_times_at_once_settles_once(app, channel):
    payment = app.buy()
    channel.pay(payment.payment_no)
    callback = channel.callback(payment.payment_no)

    answers = at_once(*[lambda: call_back(callback).status_code] * 20)
    relay_all(later(payment, 60))

    assert answers == [200] * 20
    evidence = Evidence.objects.get(source=Source.CALLBACK)
    assert (evidence.times_received, evidence.verdict) == (20, Verdict.APPLIED)
    assert history(payment) == ["created", "paying", "succeeded"]
    assert LedgerEntry.objects.get().payment_no == payment.payment_no
    assert Order.objects.get().status == OrderStatus.PAID


def test_twenty_callbacks_of_different_events_about_one_payment_settle_once(app, channel):
    payment = app.buy()
    channel.pay(payment.payment_no)
    callbacks = [channel.callback(payment.payment_no) for _ in range(20)]

    answers = at_once(*[lambda each=each: call_back(each).status_code for each in callbacks])

    assert answers == [200] * 20
    verdicts = Evidence.objects.filter(source=Source.CALLBACK).values_list("verdict", flat=True)
    assert sorted(verdicts) == [Verdict.APPLIED] + [Verdict.REPEATED] * 19
    assert history(payment) == ["created", "paying", "succeeded"]


def test_a_callback_and_a_consult_at_the_same_moment_settle_once(app, channel):
    payment = app.buy()
    channel.pay(payment.payment_no)
    callback = channel.callback(payment.payment_no)
    moment = threading.Barrier(2)
    channel.before["query"] = lambda: moment.wait(timeout=20)

    def call_back_in_mid_query():
        moment.wait(timeout=20)
        return call_back(callback).status_code

    consulted, answer = at_once(
        lambda: services.consult_due(now=later(payment, 10)), call_back_in_mid_query
    )

    assert (consulted, answer) == (1, 200)
    verdicts = payment.evidence.exclude(source=Source.START).values_list("verdict", flat=True)
    assert sorted(verdicts) == [Verdict.APPLIED, Verdict.REPEATED]
    assert history(payment) == ["created", "paying", "succeeded"]


def test_two_sweeps_at_once_share_the_rows(channel):
    payments = many_paid(channel)
    at = later(payments[-1], 60)

    counts = at_once(*[lambda: services.sweep(now=at, hours=1)] * 2)

    assert sum(counts) == channel.calls["query"] == MANY
    assert all_asked_once_and_paid(payments)


def test_a_sweep_and_three_workers_at_once_share_the_rows(channel):
    payments = many_paid(channel)
    at = later(payments[-1], 60)

    at_once(lambda: services.sweep(now=at, hours=1), *[lambda: services.consult_due(now=at)] * 3)

    assert channel.calls["query"] == MANY
    assert all_asked_once_and_paid(payments)


def test_a_payment_that_is_being_asked_about_is_asked_by_nobody_else(channel):
    payment = a_payment()
    at = later(payment, 60)
    asked_by_others = []

    def others_come():
        channel.before.clear()
        asked_by_others.extend(
            at_once(
                lambda: services.consult_due(now=at),
                lambda: services.sweep(now=at, hours=1),
                lambda: services.consult_due(now=at + consulting.LEASE / 2),
            )
        )

    channel.before["query"] = others_come
    services.consult_due(now=at)

    assert (asked_by_others, channel.calls["query"]) == ([0, 0, 0], 1)


def test_an_answer_that_outlives_its_lease_is_recorded_and_doubles_nothing(channel):
    payment = a_payment()
    channel.pay(payment.payment_no)

    def a_second_worker_takes_over():
        channel.before.clear()
        at_once(lambda: services.consult_due(now=later(payment, 10) + consulting.LEASE))

    channel.before["query"] = a_second_worker_takes_over
    services.consult_due(now=later(payment, 10))

    verdicts = payment.evidence.exclude(source=Source.START).values_list("verdict", flat=True)
    assert list(verdicts) == [Verdict.APPLIED, Verdict.REPEATED]
    assert history(payment) == ["created", "paying", "succeeded"]


def test_two_relays_at_once_hand_over_once(channel, app):
    payments = [app.buy() for _ in range(10)]
    for payment in payments:
        channel.pay(payment.payment_no)
        call_back(channel.callback(payment.payment_no))

    at_once(*[lambda: relay.relay_due(now=later(payment, 60))] * 4)

    assert not PaymentEvent.objects.filter(relayed_at=None).exists()
    entries = LedgerEntry.objects.values_list("payment_no", "entry")
    assert sorted(entries) == sorted((each.payment_no, Entry.APPLIED) for each in payments)
    # Placed, paying, paid: an event that is consumed twice would have made it grow.
    assert set(Order.objects.values_list("status", "version")) == {(OrderStatus.PAID, 3)}


@pytest.mark.parametrize("entry", schedule.ENTRIES, ids=lambda entry: entry.task)
def test_what_two_beats_send_at_once_does_no_harm(entry, app, channel, beat):
    payment = app.buy()
    channel.pay(payment.payment_no)
    call_back(channel.callback(payment.payment_no))
    lost = app.buy()
    channel.pay(lost.payment_no)
    beat.now = later(lost, 60)
    task = current_app.tasks[entry.task]

    at_once(*[lambda: task(**entry.kwargs)] * 2)
    beat.tick(later(lost, 120))

    assert set(Payment.objects.values_list("status", "version")) == {(Status.SUCCEEDED, 3)}
    assert LedgerEntry.objects.filter(entry=Entry.APPLIED).count() == 2
    assert channel.calls["query"] == 1


def test_a_callback_before_the_start_call_returned_is_believed(channel):
    payment = an_opened_payment()
    answered = threading.Event()

    def the_shopper_is_faster_than_the_answer():
        channel.know(payment)
        channel.pay(payment.payment_no)
        assert answered.wait(timeout=20)

    channel.before["create"] = the_shopper_is_faster_than_the_answer

    def call_back_meanwhile():
        while (
            payment.payment_no not in channel.reports or not channel.reports[payment.payment_no].raw
        ):
            pass
        status = call_back(channel.callback(payment.payment_no)).status_code
        answered.set()
        return status

    started, answer = at_once(
        lambda: services.create_at_channel(payment_no=payment.payment_no, now=later(payment, 0)),
        call_back_meanwhile,
    )

    assert (started.status, answer) == (Status.SUCCEEDED, 200)
    assert history(payment) == ["created", "succeeded"]


def test_closing_locks_payments_in_the_order_in_which_settling_does(channel):
    """A row that was written lately lies behind the others: an UPDATE alone meets it last."""
    first, second = a_payment(), a_payment()
    Payment.objects.filter(pk=first.pk).update(consult_due_at=first.created_at)
    numbers = [first.payment_no, second.payment_no]
    closing = threading.Thread(target=close_and_hang_up, args=(numbers, first.created_at))

    with transaction.atomic():
        Payment.objects.select_for_update(no_key=True).get(pk=first.pk)
        closing.start()
        time.sleep(0.5)  # until it waits
        Payment.objects.select_for_update(no_key=True).get(pk=second.pk)
    closing.join(20)

    assert set(Payment.objects.values_list("status", flat=True)) == {Status.CLOSED}


def close_and_hang_up(payment_nos, now):
    services.close_payments(payment_nos=payment_nos, now=now)
    connection.close()
