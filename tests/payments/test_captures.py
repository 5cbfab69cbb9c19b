"""Money that a channel takes more than once for one payment: recorded, and owed back."""

import itertools

import pytest
from django.utils import timezone

from alerts.models import Alert
from payments import services
from payments.channels.base import Capture, ChannelState, Report
from payments.models import Evidence, FurtherCapture
from payments.services import Finding
from payments.states import Source, Status, Verdict
from tests.factories import a_payment

pytestmark = pytest.mark.django_db
C2 = Capture(capture_no="C2", amount=1250, currency="CNY")


def learn(payment, *, source=Source.CONSULT, **changed):
    """Bring "paid" through the door; return its evidence as stored."""
    values = {
        "payment_no": payment.payment_no,
        "state": ChannelState.PAID,
        "amount": payment.amount,
        "currency": payment.currency,
        "merchant": payment.merchant,
        "channel_no": payment.channel_no,
        "capture_no": "C1",
    }
    evidence = Evidence.objects.create(channel="fake", source=source, received_at=timezone.now())
    report = Report(**values | changed)
    finding = Finding(evidence=evidence, payment_no=report.payment_no, report=report)
    services.settle(findings=[finding], now=timezone.now())
    evidence.refresh_from_db()
    payment.refresh_from_db()
    return evidence


def captures(payment):
    return list(payment.further_captures.values_list("capture_no", "amount"))


def test_the_first_capture_pays_the_payment_and_is_no_further_one(channel):
    payment = a_payment()

    learn(payment)
    again = learn(payment)

    assert (payment.status, payment.capture_no) == (Status.SUCCEEDED, "C1")
    assert (payment.captured_total, captures(payment)) == (1250, [])
    assert again.verdict == Verdict.REPEATED


def test_another_capture_is_recorded_once_with_an_event_of_its_own(channel):
    payment = a_payment()
    learn(payment)

    verdicts = [learn(payment, capture_no="C2").verdict for _ in range(3)]

    assert verdicts == [Verdict.APPLIED, Verdict.REPEATED, Verdict.REPEATED]
    assert (payment.captured_total, captures(payment)) == (2500, [("C2", 1250)])
    last = payment.events.last()
    assert (last.seq, last.from_status, last.to_status) == (4, "succeeded", "succeeded")
    assert (last.capture.capture_no, last.relayed_at) == ("C2", None)


def test_another_capture_may_be_of_another_amount(channel):
    payment = a_payment()
    learn(payment)

    learn(payment, capture_no="C2", amount=1)

    assert (payment.status, payment.received_amount) == (Status.SUCCEEDED, 1250)
    assert captures(payment) == [("C2", 1)]


def test_captures_that_a_query_tells_of_besides_are_recorded_too(channel):
    payment = a_payment()

    learn(payment, further=(C2,))

    assert (payment.status, payment.capture_no) == (Status.SUCCEEDED, "C1")
    assert captures(payment) == [("C2", 1250)]
    assert [event.seq for event in payment.events.all()] == [1, 2, 3, 4]


@pytest.mark.parametrize("order", list(itertools.permutations(["C1", "C2", "both"])))
def test_captures_told_in_any_order_are_two(channel, order):
    payment = a_payment()

    for told in order:
        if told == "both":
            learn(payment, further=(C2,))
        else:
            learn(payment, capture_no=told, source=Source.CALLBACK)

    assert payment.status == Status.SUCCEEDED
    assert payment.captured_total == 2500
    assert {payment.capture_no, *dict(captures(payment))} == {"C1", "C2"}


def test_late_money_that_was_taken_twice_is_told_as_both(channel):
    payment = a_payment()
    channel.end(payment.payment_no, ChannelState.CLOSED)
    services.query_now(payment_no=payment.payment_no, now=timezone.now(), actor="")

    learn(payment, further=(C2,))

    assert (payment.status, payment.captured_total) == (Status.SUCCEEDED, 2500)


def test_without_capture_numbers_another_number_of_the_payment_is_for_people(channel):
    payment = a_payment()
    learn(payment, capture_no="")

    evidence = learn(payment, capture_no="", channel_no="F-another")

    assert evidence.verdict == Verdict.CONTRADICTS
    assert captures(payment) == []


def test_a_channel_may_number_a_payment_anew_when_it_is_paid(channel):
    """As those do that give a session at first, and a transaction later."""
    payment = a_payment()

    verdicts = [learn(payment, capture_no="", channel_no="T1").verdict for _ in range(2)]

    assert verdicts == [Verdict.APPLIED, Verdict.REPEATED]
    assert (payment.channel_no, captures(payment)) == ("T1", [])


def test_one_capture_that_is_not_ours_hides_no_other(channel):
    payment = a_payment()
    yen = Capture(capture_no="C3", amount=1250, currency="JPY")
    nothing = Capture(capture_no="C4", amount=0, currency="CNY")

    evidence = learn(payment, further=(C2, yen, nothing))

    assert (payment.status, captures(payment)) == (Status.SUCCEEDED, [("C2", 1250)])
    assert evidence.verdict == Verdict.CONTRADICTS


@pytest.mark.parametrize("wrong", [{"amount": -1}, {"currency": "cny"}, {"currency": "CNYX"}])
def test_money_that_is_none_is_no_report(channel, wrong):
    payment = a_payment()

    with pytest.raises(ValueError, match="must carry"):
        learn(payment, **wrong)


def test_a_capture_number_that_comes_late_is_no_other_capture(channel):
    payment = a_payment()
    learn(payment, capture_no="")

    assert learn(payment, capture_no="C1").verdict == Verdict.REPEATED
    assert captures(payment) == []


@pytest.mark.parametrize("wrong", [{"currency": "JPY"}, {"merchant": "somebody-else"}])
def test_a_capture_that_is_not_ours_is_a_contradiction_for_people(channel, wrong):
    payment = a_payment()
    learn(payment)

    evidence = learn(payment, capture_no="C2", **wrong)

    assert evidence.verdict == Verdict.CONTRADICTS
    assert FurtherCapture.objects.count() == 0
    assert Alert.objects.get().kind == "contradiction"
