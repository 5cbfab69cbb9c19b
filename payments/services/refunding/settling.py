"""The one door for refunds: what a channel says becomes the refund's status."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import structlog
from django.db import transaction

from alerts.services import raise_alert, withdraw_alert
from common.kill_points import reach
from common.money import format_money
from payments import wake
from payments.channels.base import RefundReport, RefundState
from payments.models import Evidence, Payment, Refund, RefundEvent
from payments.services.rows import write_rows
from payments.services.settling import contradict
from payments.states import REFUND_MOVES, RefundStatus, Source, Status, Verdict, judge_refund

log = structlog.get_logger(__name__)

_CLAIMS = {
    RefundState.PENDING: RefundStatus.PENDING,
    RefundState.SUCCEEDED: RefundStatus.SUCCEEDED,
    RefundState.FAILED: RefundStatus.FAILED,
    RefundState.NOT_FOUND: None,
}
# Until then an earlier call may still be under way: a refusal of a repeat proves nothing.
SETTLED_AFTER = dt.timedelta(minutes=10)
# What has gone back may bounce, in days or weeks, and the callback that tells of it may be lost: so
# long after the end the channel is asked once more. No statement has to have a line of it.
LOOK_BACK = (dt.timedelta(days=1), dt.timedelta(days=7), dt.timedelta(days=30))
_REFUND_FIELDS = [
    "status",
    "version",
    "channel_no",
    "settled_at",
    "refunded_at",
    "consult_due_at",
    "consulted_at",
    "slow_lane_at",
    "error",
]
_EVIDENCE_FIELDS = ["payment", "payment_no", "refund", "refund_no", "claim", "verdict", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundFinding:
    """Stored evidence about a refund, what it says, and when to ask again if it ended nothing.

    `refused` says that there is no report since the channel refused the request; `sent_before` is
    when it was sent the last time before that.
    """

    evidence: Evidence
    refund_no: str
    report: RefundReport | None = None
    refused: bool = False
    sent_before: dt.datetime | None = None
    asked_at: dt.datetime | None = None
    ask_again_at: dt.datetime | None = None
    lease: dt.datetime | None = None  # the due time that the consult's claim wrote
    slow_lane: bool = False


def settle_refunds(*, findings: Sequence[RefundFinding], now: dt.datetime) -> None:
    """Judge findings and write what follows: status, event and verdict, in one transaction.

    Locks payments and refunds, looks each move up in `states.REFUND_MOVES`, and believes
    "succeeded" only with the amount and currency that were asked for. A refund that fails makes its
    amount refundable again.
    """
    with transaction.atomic():
        refunds = _lock({finding.refund_no for finding in findings})
        before = {refund.payment.pk: refund.payment.refund_total for refund in refunds.values()}
        events = [
            event
            for finding in findings
            if (event := _judge(refunds.get(finding.refund_no), finding, now))
        ]
        write_rows([refunds[no] for no in sorted(refunds)], _REFUND_FIELDS)
        payments = {refund.payment.pk: refund.payment for refund in refunds.values()}
        moved = [row for pk, row in sorted(payments.items()) if row.refund_total != before[pk]]
        write_rows(moved, ["refund_total"])
        RefundEvent.objects.bulk_create(events)
        write_rows([finding.evidence for finding in findings], _EVIDENCE_FIELDS)
        reach("refund.written")
        if events:
            wake.relay_on_commit()


def _lock(refund_nos: Iterable[str]) -> dict[str, Refund]:
    """Payments before refunds, as whoever asks for a refund does; refunds share their payment."""
    wanted = Refund.objects.filter(refund_no__in=refund_nos)
    locked = Payment.objects.select_for_update(no_key=True)
    payments = {
        row.pk: row for row in locked.filter(pk__in=wanted.values("payment")).order_by("pk")
    }
    refunds = {row.refund_no: row for row in wanted.select_for_update(no_key=True).order_by("pk")}
    for refund in refunds.values():
        refund.payment = payments[refund.payment_id]
    return refunds


def _judge(refund: Refund | None, finding: RefundFinding, now: dt.datetime) -> RefundEvent | None:
    evidence, report = finding.evidence, finding.report
    evidence.refund_no = finding.refund_no[:64]
    evidence.claim = report.state if report else ""
    if refund is None:
        _note_orphan(evidence, report, now)
        return None
    evidence.refund, evidence.payment = refund, refund.payment
    evidence.payment_no = refund.payment.payment_no
    if why := _not_ours(refund, finding):
        contradict(evidence, why, now)
        _note_consult(refund, finding, now)
        return None
    if report and report.channel_no and not refund.channel_no:
        refund.channel_no = report.channel_no
    claim = _claim(refund, finding, now)
    if _is_only_a_hint(refund, claim, evidence):
        evidence.verdict = Verdict.INCONCLUSIVE
        evidence.error = f"it was {refund.status}: the channel is asked which came last"
        refund.consult_due_at = now
        wake.refund_on_commit(due_at=now, now=now)
        return None
    judgement = judge_refund(RefundStatus(refund.status), claim)
    evidence.verdict = judgement.verdict
    event = _move(refund, judgement.to, finding, now) if judgement.to else None
    _note_consult(refund, finding, now)
    return event


def _is_only_a_hint(refund: Refund, claim: RefundStatus | None, evidence: Evidence) -> bool:
    """Whether late news takes an end back: a callback may have been overtaken by the news of that
    end, and a statement has a line for what went back even if it has bounced since.
    """
    takes_back = not refund.is_open and claim in REFUND_MOVES[RefundStatus(refund.status)]
    return takes_back and evidence.source in (Source.CALLBACK, Source.STATEMENT)


def _claim(refund: Refund, finding: RefundFinding, now: dt.datetime) -> RefundStatus | None:
    """What the news claims. A refusal is no end while another call may be under way: it may be
    refused as a repeat of that.
    """
    if finding.report:
        return _CLAIMS[finding.report.state]
    only_call = refund.send_calls == 1
    is_sent = refund.status != RefundStatus.REQUESTED
    if not finding.refused or is_sent:
        return None
    settled = only_call or now - (finding.sent_before or refund.created_at) >= SETTLED_AFTER
    return RefundStatus.FAILED if settled else None


def _note_orphan(evidence: Evidence, report: RefundReport | None, now: dt.datetime) -> None:
    evidence.verdict = Verdict.ORPHAN
    evidence.payment_no = report.payment_no[:64] if report else ""
    evidence.payment = Payment.objects.filter(payment_no=evidence.payment_no).first()
    raise_alert(
        "alert.orphan",
        subject=evidence.refund_no,
        detail=f"{evidence.channel} speaks of a refund that is not here",
        now=now,
    )


def _not_ours(refund: Refund, finding: RefundFinding) -> str:
    """Why this can't be believed about this refund; empty if it can."""
    payment, report = refund.payment, finding.report
    if finding.evidence.channel != payment.channel:
        return f"it is a refund at {payment.channel}"
    if report is None:
        return ""
    if report.payment_no != payment.payment_no:
        return f"it is a refund of payment {payment.payment_no}"
    told = (report.amount, report.currency)
    if report.state is RefundState.SUCCEEDED and told != (refund.amount, refund.currency):
        return f"it is a refund of {format_money(refund.amount, refund.currency)}"
    is_back = refund.status == RefundStatus.FAILED and report.state is RefundState.SUCCEEDED
    if is_back and refund.amount > payment.refundable:
        return "it had failed, and the money was refunded otherwise since: it went back twice"
    return ""


def _move(
    refund: Refund, to: RefundStatus, finding: RefundFinding, now: dt.datetime
) -> RefundEvent:
    was, refund.status = RefundStatus(refund.status), to
    refund.version += 1
    payment, report = refund.payment, finding.report
    if to is RefundStatus.FAILED:
        payment.refund_total -= refund.amount
    elif was is RefundStatus.FAILED:
        payment.refund_total += refund.amount
    if not refund.is_open:
        refund.settled_at = now
        refund.consult_due_at = _look_back_at(refund, now)
        refund.refunded_at = report.refunded_at if report else None
    refund.error = finding.evidence.error if to is RefundStatus.FAILED else ""
    _tell_people(refund, now)
    log.info(
        "refund_moved",
        refund_no=refund.refund_no,
        payment_no=payment.payment_no,
        was=was,
        now=str(to),
        source=str(finding.evidence.source),
    )
    return RefundEvent(
        refund=refund,
        seq=refund.version,
        from_status=was,
        to_status=to,
        source=finding.evidence.source,
        evidence=finding.evidence,
        occurred_at=now,
        relay_due_at=now,
    )


def _look_back_at(refund: Refund, now: dt.datetime) -> dt.datetime | None:
    """When to make sure that it has not bounced; a failure is asked about no more."""
    if refund.status != RefundStatus.SUCCEEDED or refund.settled_at is None:
        return None
    times = (refund.settled_at + after for after in LOOK_BACK)
    return next((at for at in times if at > now), None)


def _tell_people(refund: Refund, now: dt.datetime) -> None:
    if refund.status == RefundStatus.FAILED:
        raise_alert(
            "alert.refund_failed",
            subject=refund.refund_no,
            detail=f"{format_money(refund.amount, refund.currency)} of payment "
            f"{refund.payment.payment_no} did not go back. {refund.error}".strip(),
            now=now,
        )
    payment = refund.payment
    if payment.status == Status.MISPAID and payment.refundable == 0:
        number = payment.payment_no
        withdraw_alert("alert.mispaid", subject=number, why="it goes back", now=now)
    if not refund.is_open:
        why = f"it has {refund.status}"
        withdraw_alert("alert.refund_slow", subject=refund.refund_no, why=why, now=now)
    if refund.status == RefundStatus.SUCCEEDED:
        same = Refund.objects.filter(payment=payment, amount=refund.amount)
        failed = same.filter(status=RefundStatus.FAILED).values_list("refund_no", flat=True)
        for number in {refund.refund_no, *failed}:
            why = f"the money went back by {refund.refund_no}"
            withdraw_alert("alert.refund_failed", subject=number, why=why, now=now)


def _note_consult(refund: Refund, finding: RefundFinding, now: dt.datetime) -> None:
    if finding.asked_at is None:
        return
    refund.consulted_at = finding.asked_at
    # Whoever moved the due time since our claim knows better.
    is_ours = finding.lease is not None and refund.consult_due_at == finding.lease
    if is_ours:
        answered = not refund.is_open and finding.report
        again_at = _look_back_at(refund, now) if answered else finding.ask_again_at
        refund.consult_due_at = again_at
    if refund.is_open and finding.slow_lane and refund.slow_lane_at is None:
        refund.slow_lane_at = finding.asked_at
        raise_alert(
            "alert.refund_slow",
            subject=refund.refund_no,
            detail=f"{refund.payment.channel} has not said how it ended",
            now=now,
        )
