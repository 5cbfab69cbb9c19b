"""The one door for refunds: only the channel's word ends one, whichever path it came on."""

import itertools

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from alerts.models import Alert
from payments import services
from payments.channels.base import RefundReport, RefundState
from payments.models import Evidence, Refund, RefundEvent
from payments.services import RefundFinding
from payments.services.refunding.settling import LOOK_BACK
from payments.states import REFUND_MOVES, RefundStatus, Source, Verdict

pytestmark = pytest.mark.django_db


def learn(refund, state, *, source=Source.CONSULT, channel="fake", **changed):
    """Bring a report through the door; return its evidence as stored."""
    values = {
        "refund_no": refund.refund_no,
        "payment_no": refund.payment.payment_no,
        "state": state,
        "amount": refund.amount,
        "currency": refund.currency,
        "channel_no": "F1",
    }
    evidence = Evidence.objects.create(channel=channel, source=source, received_at=timezone.now())
    report = RefundReport(**values | changed)
    finding = RefundFinding(evidence=evidence, refund_no=report.refund_no, report=report)
    services.settle_refunds(findings=[finding], now=timezone.now())
    evidence.refresh_from_db()
    refund.refresh_from_db()
    refund.payment.refresh_from_db()
    return evidence


def history(refund):
    return list(refund.events.values_list("seq", "from_status", "to_status"))


def test_every_status_has_its_moves():
    assert set(REFUND_MOVES) == set(RefundStatus)


def test_accepted_is_not_done(ask_for):
    refund = ask_for()

    evidence = learn(refund, RefundState.PENDING)

    assert (refund.status, refund.settled_at) == (RefundStatus.PENDING, None)
    assert refund.consult_due_at is not None
    assert evidence.verdict == Verdict.APPLIED


@pytest.mark.parametrize("source", [Source.CALLBACK, Source.CONSULT, Source.STATEMENT])
def test_the_channels_success_ends_it_on_every_path(ask_for, source):
    refund = ask_for(500)

    evidence = learn(refund, RefundState.SUCCEEDED, source=source)

    assert (refund.status, refund.channel_no) == (RefundStatus.SUCCEEDED, "F1")
    assert refund.consult_due_at == refund.settled_at + LOOK_BACK[0]
    assert (evidence.refund, evidence.payment) == (refund, refund.payment)
    assert history(refund) == [(1, "", "requested"), (2, "requested", "succeeded")]


@pytest.mark.parametrize(
    "order",
    list(itertools.permutations([Source.CALLBACK, Source.CONSULT, Source.STATEMENT])),
)
def test_the_same_success_on_all_paths_in_any_order_is_one(ask_for, order):
    refund = ask_for(500)

    verdicts = [learn(refund, RefundState.SUCCEEDED, source=source).verdict for source in order]

    assert verdicts == [Verdict.APPLIED, Verdict.REPEATED, Verdict.REPEATED]
    assert refund.payment.refund_total == 500
    assert len(history(refund)) == 2


def test_a_failed_refund_makes_its_amount_refundable_again_and_calls_a_person(ask_for):
    refund = ask_for(500)

    learn(refund, RefundState.FAILED)

    assert (refund.status, refund.payment.refundable) == (RefundStatus.FAILED, 1250)
    alert = Alert.objects.get()
    assert (alert.kind, alert.subject) == ("refund_failed", refund.refund_no)


def test_not_found_and_a_stale_pending_end_nothing(ask_for):
    refund = ask_for()

    assert learn(refund, RefundState.NOT_FOUND).verdict == Verdict.INCONCLUSIVE
    assert refund.status == RefundStatus.REQUESTED
    learn(refund, RefundState.SUCCEEDED)
    assert learn(refund, RefundState.PENDING).verdict == Verdict.INCONCLUSIVE
    assert refund.status == RefundStatus.SUCCEEDED


@pytest.mark.parametrize("wrong", [{"amount": 1}, {"currency": "JPY"}, {"payment_no": "P404"}])
def test_a_success_of_something_else_is_never_believed(ask_for, wrong):
    refund = ask_for(500)

    evidence = learn(refund, RefundState.SUCCEEDED, **wrong)

    assert (refund.status, evidence.verdict) == (RefundStatus.REQUESTED, Verdict.CONTRADICTS)
    assert Alert.objects.get().kind == "contradiction"


def test_another_channel_can_not_speak_for_a_refund(ask_for):
    refund = ask_for()

    evidence = learn(refund, RefundState.SUCCEEDED, channel="other")

    assert (refund.status, evidence.verdict) == (RefundStatus.REQUESTED, Verdict.CONTRADICTS)


def test_news_of_an_unknown_refund_is_kept_as_an_orphan_of_its_payment(ask_for):
    refund = ask_for()

    evidence = learn(refund, RefundState.SUCCEEDED, refund_no="R404")

    assert (evidence.verdict, evidence.refund) == (Verdict.ORPHAN, None)
    assert (evidence.refund_no, evidence.payment) == ("R404", refund.payment)


def test_a_success_that_comes_back_is_recorded(ask_for):
    refund = ask_for()
    learn(refund, RefundState.SUCCEEDED)

    learn(refund, RefundState.FAILED)

    assert (refund.status, refund.payment.refundable) == (RefundStatus.FAILED, 1250)
    assert history(refund)[-1] == (3, "succeeded", "failed")


def test_a_failure_that_was_a_success_after_all_counts_again(ask_for):
    refund = ask_for()
    learn(refund, RefundState.FAILED)

    learn(refund, RefundState.SUCCEEDED)

    assert (refund.status, refund.payment.refundable) == (RefundStatus.SUCCEEDED, 0)
    assert Alert.objects.filter(resolved_at=None).count() == 0


def test_money_that_went_back_twice_is_a_contradiction_and_no_crash(ask_for):
    first = ask_for(origin="a")
    learn(first, RefundState.FAILED)
    second = ask_for(origin="b")

    evidence = learn(first, RefundState.SUCCEEDED)

    assert (first.status, evidence.verdict) == (RefundStatus.FAILED, Verdict.CONTRADICTS)
    assert "went back twice" in evidence.error
    assert Refund.objects.get(pk=second.pk).status == RefundStatus.REQUESTED


def test_a_batch_of_refunds_of_one_payment_adds_up(paid, ask_for):
    refunds = [ask_for(100, origin=str(number)) for number in range(5)]
    ends = [RefundState.SUCCEEDED, RefundState.FAILED] * 2 + [RefundState.PENDING]
    findings = [
        RefundFinding(
            evidence=Evidence.objects.create(
                channel="fake", source=Source.CONSULT, received_at=timezone.now()
            ),
            refund_no=refund.refund_no,
            report=RefundReport(
                refund_no=refund.refund_no,
                payment_no=paid.payment_no,
                state=state,
                amount=100,
                currency="CNY",
            ),
        )
        for refund, state in zip(refunds, ends, strict=True)
    ]

    services.settle_refunds(findings=findings, now=timezone.now())

    paid.refresh_from_db()
    assert paid.refund_total == 300


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM payments_refundevent",
        "UPDATE payments_refundevent SET to_status = 'failed'",
        "DELETE FROM payments_refund",
        "UPDATE payments_refund SET amount = 1",
        "UPDATE payments_refund SET origin = 'x'",
    ],
)
def test_the_history_of_refunds_is_never_rewritten(ask_for, statement):
    ask_for()

    with pytest.raises(DatabaseError, match="is history"), transaction.atomic():
        connection.cursor().execute(statement)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (
            {"status": "lost", "settled_at": timezone.now(), "consult_due_at": None},
            "refund_status_known",
        ),
        ({"status": "succeeded"}, "a_refunds_end_has_a_time"),
    ],
)
def test_a_row_that_breaks_a_rule_is_refused_by_the_rules_name(ask_for, change, rule):
    refund = ask_for()

    with pytest.raises(IntegrityError, match=rule), transaction.atomic():
        Refund.objects.filter(pk=refund.pk).update(**change)


def test_the_events_tell_the_status_without_a_gap(ask_for):
    refund = ask_for()
    for state in (RefundState.PENDING, RefundState.SUCCEEDED, RefundState.FAILED):
        learn(refund, state)

    events = list(RefundEvent.objects.values_list("seq", "from_status", "to_status"))
    assert [seq for seq, _, _ in events] == list(range(1, refund.version + 1))
    assert [was for _, was, _ in events] == ["", *(to for _, _, to in events[:-1])]


def test_a_callback_that_contradicted_is_judged_again_when_it_comes_again(client, channel, ask_for):
    """A refund that had failed was done after all, when its successor was asked for already."""
    first = ask_for(origin="a")
    learn(first, RefundState.FAILED)
    second = ask_for(origin="b")
    channel.refunds[first.refund_no] = RefundReport(
        refund_no=first.refund_no,
        payment_no=first.payment.payment_no,
        state=RefundState.SUCCEEDED,
        amount=first.amount,
        currency=first.currency,
    )
    headers, body = channel.refund_callback(first.refund_no)

    for _ in range(2):
        client.post("/callbacks/fake/", body, content_type="application/json", headers=headers)
        learn(second, RefundState.FAILED)
    services.refund_due(now=timezone.now())

    first.refresh_from_db()
    assert first.status == RefundStatus.SUCCEEDED
