"""Consulting the channels: claim, push, ask, settle."""

import datetime as dt

import pytest
from django.db import DatabaseError
from django.db.models import Q
from django.utils import timezone

from payments import services
from payments.channels.base import ChannelError, ChannelState, NotExecuted, OutcomeUnknown
from payments.models import Payment
from payments.services import consulting
from payments.states import Source, Status, Verdict
from tests.factories import a_payment, an_opened_payment

pytestmark = pytest.mark.django_db


def after(payment, seconds):
    return payment.created_at + dt.timedelta(seconds=seconds)


def seconds_until_due(payment):
    payment.refresh_from_db()
    return (payment.consult_due_at - payment.created_at).total_seconds()


def test_a_consult_finds_what_the_lost_callback_would_have_told(channel):
    payment = a_payment()
    channel.pay(payment.payment_no)

    services.consult_due(now=after(payment, 10))

    payment.refresh_from_db()
    assert payment.status == Status.SUCCEEDED
    assert payment.events.last().source == Source.CONSULT


def test_nothing_is_asked_before_it_is_due(channel):
    payment = a_payment()

    assert services.consult_due(now=after(payment, 9)) == 0
    assert channel.calls["query"] == 0


def test_a_payment_still_pending_is_due_again_at_the_next_step(channel):
    payment = a_payment()

    services.consult_due(now=after(payment, 10))

    assert 30 <= seconds_until_due(payment) <= 32.1
    evidence = payment.evidence.get(source=Source.CONSULT)
    assert (evidence.verdict, bytes(evidence.body)) == (Verdict.INCONCLUSIVE, b"")


@pytest.mark.parametrize(
    "trouble",
    [
        OutcomeUnknown("timeout"),
        NotExecuted("connection refused"),
        ChannelError("<html>"),
        RuntimeError("bug in the channel's code"),
    ],
)
def test_no_usable_answer_ends_nothing_and_is_kept_in_the_timeline(channel, trouble):
    payment = a_payment()
    channel.script("query", trouble)

    services.consult_due(now=after(payment, 10))

    payment.refresh_from_db()
    assert payment.status == Status.PAYING
    assert str(trouble) in payment.evidence.get(source=Source.CONSULT).error
    assert 30 <= seconds_until_due(payment) <= 32.1


def test_a_rate_limit_is_met_again_after_the_pause_and_not_only_at_the_next_step(channel):
    payment = a_payment()
    channel.script("query", NotExecuted("429", retry_after=2))

    services.consult_due(now=after(payment, 600))

    assert 602 <= seconds_until_due(payment) <= 632.1


def test_an_answer_about_another_payment_is_no_answer(channel):
    payment, other = a_payment(), a_payment()
    channel.pay(other.payment_no)
    channel.script("query", channel.reports[other.payment_no])

    services.consult_due(now=after(payment, 10))

    payment.refresh_from_db()
    assert payment.status == Status.PAYING


def test_a_payment_of_a_retired_channel_stays_in_the_fog(channel, settings):
    payment = a_payment()
    settings.NODROP_CHANNELS = {}

    services.consult_due(now=after(payment, 10))

    payment.refresh_from_db()
    assert payment.status == Status.PAYING
    assert "no channel" in payment.evidence.last().error


def test_the_used_up_schedule_alerts_once_and_never_fails_the_payment(channel, caplog):
    payment = a_payment()

    services.consult_due(now=after(payment, 1800))
    services.consult_due(now=after(payment, 2 * 3600))

    payment.refresh_from_db()
    assert payment.status == Status.PAYING
    assert payment.slow_lane_at == pytest.approx(after(payment, 1800), abs=dt.timedelta(seconds=1))
    assert caplog.text.count("alert.slow_lane") == 1


def test_not_found_long_after_expiry_closes_only_where_the_channel_promises_it(channel):
    promised = an_opened_payment()
    channel.capabilities = channel.capabilities.__class__(
        currencies=frozenset({"CNY"}), not_found_final_after=60
    )

    services.consult_due(now=promised.expires_at + dt.timedelta(seconds=59))
    promised.refresh_from_db()
    assert promised.status == Status.CREATED

    services.consult_due(now=promised.expires_at + dt.timedelta(hours=5))
    promised.refresh_from_db()
    assert promised.status == Status.CLOSED


def test_not_found_never_ends_a_payment_by_itself(channel):
    payment = an_opened_payment()

    services.consult_due(now=after(payment, 30 * 86400))

    payment.refresh_from_db()
    assert payment.status == Status.CREATED


def test_a_row_that_can_not_be_settled_does_not_stop_the_others(channel, monkeypatch):
    poison, healthy = a_payment(), a_payment()
    for payment in (poison, healthy):
        channel.pay(payment.payment_no)
    refuse(monkeypatch, poison.payment_no)

    services.consult_due(now=after(healthy, 10))

    healthy.refresh_from_db()
    poison.refresh_from_db()
    assert (healthy.status, poison.status) == (Status.SUCCEEDED, Status.PAYING)
    assert poison.evidence.last().verdict == Verdict.FAILED
    assert poison.consult_due_at is not None


def refuse(monkeypatch, payment_no):
    """Make every settling that touches this payment fail in the database."""
    settle = consulting.settle

    def refusing(*, findings, now):
        if any(finding.payment_no == payment_no for finding in findings):
            raise DatabaseError("refused")
        settle(findings=findings, now=now)

    monkeypatch.setattr(consulting, "settle", refusing)


def test_a_crash_in_mid_batch_leaves_a_row_that_is_due_again(channel):
    payment = a_payment()
    channel.before["query"] = lambda: (_ for _ in ()).throw(SystemExit)

    with pytest.raises(SystemExit):
        services.consult_due(now=after(payment, 10))

    assert seconds_until_due(payment) == 100
    channel.before.clear()
    channel.pay(payment.payment_no)
    services.consult_due(now=after(payment, 100))
    payment.refresh_from_db()
    assert payment.status == Status.SUCCEEDED


def test_the_shopper_who_comes_back_pulls_the_consult_forward_once_in_five_seconds(channel):
    payment = a_payment()
    back = after(payment, 3)

    assert services.pull_forward(payment_no=payment.payment_no, now=back) is True
    assert seconds_until_due(payment) == 3
    assert services.pull_forward(payment_no=payment.payment_no, now=after(payment, 7)) is False
    assert services.pull_forward(payment_no=payment.payment_no, now=after(payment, 8)) is True


def test_the_consult_after_a_return_is_the_returns_and_the_next_one_is_not(channel):
    payment = a_payment()
    services.pull_forward(payment_no=payment.payment_no, now=after(payment, 3))

    services.consult_due(now=after(payment, 3))
    services.consult_due(now=after(payment, 40))

    sources = [row.source for row in payment.evidence.all()]
    assert sources == [Source.START, Source.RETURN, Source.CONSULT]


def test_a_pull_during_a_consult_is_not_overwritten_by_its_answer(channel):
    payment = a_payment()
    [claimed] = consulting._claim(Q(pk=payment.pk), after(payment, 10))
    services.pull_forward(payment_no=payment.payment_no, now=after(payment, 11))

    consulting._consult([claimed], source=Source.CONSULT, now=after(payment, 12))

    assert seconds_until_due(payment) == 11


def test_closing_asks_closes_and_asks_again(channel):
    payment = a_payment()

    closed = services.close_payment(payment_no=payment.payment_no, now=after(payment, 5))

    assert closed.status == Status.CLOSED
    assert (channel.calls["query"], channel.calls["close"]) == (2, 1)
    assert closed.events.last().source == Source.CLOSE


def test_closing_a_payment_that_was_paid_is_a_success(channel):
    payment = a_payment()
    channel.pay(payment.payment_no)

    closed = services.close_payment(payment_no=payment.payment_no, now=after(payment, 5))

    assert closed.status == Status.SUCCEEDED
    assert channel.calls["close"] == 0


def test_a_close_without_an_answer_closes_nothing_and_is_asked_again(channel):
    payment = a_payment()
    channel.script("close", OutcomeUnknown())

    still = services.close_payment(payment_no=payment.payment_no, now=after(payment, 5))
    assert still.status == Status.PAYING

    services.consult_due(now=after(payment, 100))
    still.refresh_from_db()
    assert still.status == Status.CLOSED


def test_an_operator_may_ask_about_an_ended_payment(channel):
    payment = a_payment()
    channel.end(payment.payment_no, ChannelState.CLOSED)
    services.consult_due(now=after(payment, 10))
    channel.pay(payment.payment_no)

    found = services.query_now(payment_no=payment.payment_no, now=timezone.now(), actor="ops")

    assert found.status == Status.SUCCEEDED
    assert found.evidence.last().actor == "ops"


def test_the_sweep_takes_what_is_overdue_and_leaves_fresh_rows_to_the_wake_ups(channel):
    lost, fresh = a_payment(), a_payment()
    Payment.objects.filter(pk=fresh.pk).update(consult_due_at=after(lost, 58))
    for payment in (lost, fresh):
        channel.pay(payment.payment_no)

    assert services.sweep(now=after(lost, 60), hours=1) == 1

    lost.refresh_from_db()
    assert lost.status == Status.SUCCEEDED
    assert lost.events.last().source == Source.SWEEP


def test_the_sweep_adopts_a_payment_in_the_fog_that_has_no_due_time(channel):
    payment = a_payment()
    Payment.objects.filter(pk=payment.pk).update(consult_due_at=None)
    channel.pay(payment.payment_no)

    services.sweep(now=after(payment, 60), hours=1)

    payment.refresh_from_db()
    assert payment.status == Status.SUCCEEDED


def test_the_sweep_warns_of_what_is_older_than_it_looks(channel, caplog):
    payment = a_payment()

    assert services.sweep(now=after(payment, 2 * 3600), hours=1) == 0
    assert "alert.overdue_beyond_sweep" in caplog.text


@pytest.mark.parametrize("hours", ["abc", None, float("nan"), 1e12, -5, 0])
def test_hours_that_make_no_sense_alert_and_the_sweep_looks_at_everything(channel, caplog, hours):
    payment = a_payment()
    channel.pay(payment.payment_no)

    assert services.sweep(now=after(payment, 60), hours=hours) == 1
    assert "alert.sweep_hours" in caplog.text


def test_the_sweep_goes_on_until_nothing_is_left(channel):
    payments = [a_payment() for _ in range(consulting.BATCH + 3)]
    for payment in payments:
        channel.pay(payment.payment_no)

    assert services.sweep(now=after(payments[-1], 60), hours=1) == len(payments)
    assert not Payment.objects.exclude(status=Status.SUCCEEDED).exists()


def test_a_consult_announces_the_next_one_when_it_is_near(channel, monkeypatch):
    payment = a_payment()
    announced = []
    monkeypatch.setattr("common.wake.announce", lambda due_at, **_: announced.append(due_at))

    services.consult_due(now=after(payment, 10))

    [due_at] = announced
    payment.refresh_from_db()
    assert 0 <= (due_at - payment.consult_due_at).total_seconds() <= 1
