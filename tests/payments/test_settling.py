"""The one door: what a report does to a payment, whichever path it came on."""

import pytest
from django.utils import timezone

from alerts.models import Alert
from payments import services
from payments.channels.base import ChannelState, Report
from payments.models import Evidence, PaymentEvent
from payments.services import Finding
from payments.states import Source, Status, Verdict
from tests.factories import a_payment

pytestmark = pytest.mark.django_db


def report_of(payment, state, **changed):
    values = {
        "payment_no": payment.payment_no,
        "state": state,
        "amount": payment.amount,
        "currency": payment.currency,
        "merchant": payment.merchant,
        "channel_no": payment.channel_no,
    }
    return Report(**values | changed)


def learn(payment, state, *, source=Source.CONSULT, channel="fake", **changed):
    """Bring a report through the door; return its evidence as stored."""
    evidence = Evidence.objects.create(channel=channel, source=source, received_at=timezone.now())
    report = report_of(payment, state, **changed)
    finding = Finding(evidence=evidence, payment_no=report.payment_no, report=report)
    services.settle(findings=[finding], now=timezone.now())
    evidence.refresh_from_db()
    payment.refresh_from_db()
    return evidence


def history(payment):
    return list(payment.events.values_list("seq", "from_status", "to_status"))


def test_a_paid_report_makes_the_payment_succeed(channel):
    payment = a_payment()

    evidence = learn(payment, ChannelState.PAID)

    assert payment.status == Status.SUCCEEDED
    assert (payment.received_amount, payment.received_currency) == (payment.amount, "CNY")
    assert payment.settled_at is not None
    assert payment.consult_due_at is None
    assert (evidence.verdict, evidence.payment) == (Verdict.APPLIED, payment)


def test_every_move_is_an_event_with_its_number_and_its_evidence(channel):
    payment = a_payment()

    evidence = learn(payment, ChannelState.PAID)

    assert history(payment) == [
        (1, "", "created"),
        (2, "created", "paying"),
        (3, "paying", "succeeded"),
    ]
    last = payment.events.last()
    assert (last.evidence, last.relayed_at) == (evidence, None)
    assert payment.version == last.seq


@pytest.mark.parametrize(
    "source", [Source.CALLBACK, Source.CONSULT, Source.SWEEP, Source.STATEMENT]
)
@pytest.mark.parametrize(
    "wrong",
    [{"amount": 1249}, {"amount": 1251}, {"currency": "JPY"}, {"merchant": "somebody-else"}],
)
def test_other_money_than_asked_for_is_mispaid_on_every_path(channel, source, wrong):
    payment = a_payment()

    learn(payment, ChannelState.PAID, source=source, **wrong)

    assert payment.status == Status.MISPAID
    assert payment.received_amount == wrong.get("amount", payment.amount)


def test_the_same_news_again_is_recorded_and_changes_nothing(channel):
    payment = a_payment()
    learn(payment, ChannelState.PAID)

    again = learn(payment, ChannelState.PAID, source=Source.CALLBACK)

    assert again.verdict == Verdict.REPEATED
    assert len(history(payment)) == 3


@pytest.mark.parametrize("end", [ChannelState.FAILED, ChannelState.CANCELLED, ChannelState.CLOSED])
def test_late_money_after_every_end_is_accepted(channel, end):
    payment = a_payment()
    learn(payment, end)

    learn(payment, ChannelState.PAID)

    assert payment.status == Status.SUCCEEDED


def test_a_failure_after_the_success_contradicts_and_changes_nothing(channel):
    payment = a_payment()
    learn(payment, ChannelState.PAID)

    evidence = learn(payment, ChannelState.FAILED)

    assert payment.status == Status.SUCCEEDED
    assert (evidence.verdict, evidence.claim) == (Verdict.CONTRADICTS, "failed")


def test_another_amount_after_the_success_contradicts(channel):
    payment = a_payment()
    learn(payment, ChannelState.PAID)

    assert learn(payment, ChannelState.PAID, amount=1).verdict == Verdict.CONTRADICTS
    assert payment.received_amount == payment.amount


def test_another_channel_can_not_speak_for_a_payment(channel):
    payment = a_payment()

    evidence = learn(payment, ChannelState.PAID, channel="other")

    assert payment.status == Status.PAYING
    assert evidence.verdict == Verdict.CONTRADICTS


def test_news_of_an_unknown_payment_is_kept_as_an_orphan(channel):
    payment = a_payment()

    evidence = learn(payment, ChannelState.PAID, payment_no="P0000000000000000")

    assert (evidence.verdict, evidence.payment) == (Verdict.ORPHAN, None)
    assert evidence.payment_no == "P0000000000000000"


def test_still_pending_moves_nothing(channel):
    payment = a_payment()
    events = PaymentEvent.objects.count()

    evidence = learn(payment, ChannelState.PENDING)

    assert (evidence.verdict, payment.status) == (Verdict.INCONCLUSIVE, Status.PAYING)
    assert PaymentEvent.objects.count() == events


def test_a_paid_report_without_the_amount_can_not_be_made():
    with pytest.raises(ValueError, match="amount"):
        Report(payment_no="P1", state=ChannelState.PAID, currency="CNY", merchant="m")


def test_a_paid_report_with_a_float_can_not_be_made():
    with pytest.raises(ValueError, match="amount"):
        Report(payment_no="P1", state=ChannelState.PAID, amount=1.0, currency="CNY", merchant="m")


def test_the_end_before_the_late_money_told_once_more_is_old_news(channel):
    payment = a_payment()
    learn(payment, ChannelState.CLOSED)
    learn(payment, ChannelState.PAID)

    evidence = learn(payment, ChannelState.CLOSED, source=Source.CALLBACK)

    assert (evidence.verdict, payment.status) == (Verdict.REPEATED, Status.SUCCEEDED)
    assert not Alert.objects.exists()


def test_an_operator_who_asks_again_ends_a_contradiction_that_was_none(channel):
    payment = a_payment()
    learn(payment, ChannelState.PAID)
    learn(payment, ChannelState.CANCELLED, source=Source.CALLBACK)
    assert Alert.objects.get(resolved_at=None).kind == "contradiction"

    learn(payment, ChannelState.PAID, source=Source.OPERATOR)

    assert not Alert.objects.filter(resolved_at=None).exists()
