"""The one door: what a channel says becomes the payment's status, whichever path it came on."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import structlog
from django.db import transaction

from alerts.services import raise_alert, withdraw_alert
from common.kill_points import reach
from common.money import format_money
from payments import wake
from payments.channels.base import Capture, ChannelState, Report
from payments.models import Evidence, FurtherCapture, Payment, PaymentEvent
from payments.services.rows import write_rows
from payments.states import FINAL, IN_FOG, MONEY_CAME, Source, Status, Verdict, judge

log = structlog.get_logger(__name__)

_CLAIMS = {
    ChannelState.PENDING: Status.PAYING,
    ChannelState.FAILED: Status.FAILED,
    ChannelState.CANCELLED: Status.CANCELLED,
    ChannelState.CLOSED: Status.CLOSED,
    ChannelState.NOT_FOUND: None,
}
_PAYMENT_FIELDS = [
    "status",
    "version",
    "channel_no",
    "received_amount",
    "received_currency",
    "received_merchant",
    "capture_no",
    "captured_total",
    "paid_at",
    "settled_at",
    "consult_due_at",
    "consulted_at",
    "slow_lane_at",
]
_EVIDENCE_FIELDS = ["payment", "payment_no", "claim", "verdict", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Stored evidence, what it says, and (from a consult) when to ask again if it ended nothing.

    `report` is None when there was no usable answer; `claim` overrides it where the absence of an
    answer is itself the news (a start whose answer was lost leaves the payment in the fog).
    """

    evidence: Evidence
    payment_no: str
    report: Report | None = None
    claim: Status | None = None
    asked_at: dt.datetime | None = None
    ask_again_at: dt.datetime | None = None
    lease: dt.datetime | None = None  # the due time that the consult's claim wrote
    slow_lane: bool = False


def settle(*, findings: Sequence[Finding], now: dt.datetime) -> None:
    """Judge findings and write what follows: status, event and verdict, in one transaction.

    Locks each payment, re-reads it, looks the move up in `states.MOVES`, and believes "paid" only
    with the amount, currency and merchant that were asked for; other money makes it `mispaid`.
    Money that the channel took beyond the first time is a `FurtherCapture` with an event of its
    own. The cost is the same few statements for one finding and for a batch.
    """
    with transaction.atomic():
        payments = _lock({finding.payment_no for finding in findings})
        events = [
            event
            for finding in findings
            for event in _judge(payments.get(finding.payment_no), finding, now)
        ]
        touched = {event.payment.payment_no for event in events}
        touched |= {finding.payment_no for finding in findings if finding.asked_at}
        write_rows([payments[no] for no in sorted(touched & payments.keys())], _PAYMENT_FIELDS)
        PaymentEvent.objects.bulk_create(events)
        write_rows([finding.evidence for finding in findings], _EVIDENCE_FIELDS)
        reach("settle.written")
        if events:
            wake.relay_on_commit()


def _lock(payment_nos: Iterable[str]) -> dict[str, Payment]:
    """Lock in the order of the primary key, so that two batches can't wait for each other.

    `no_key`, here and everywhere: who only refers to the row (new evidence) needn't wait for us.
    """
    locked = Payment.objects.select_for_update(no_key=True)
    rows = locked.filter(payment_no__in=payment_nos).order_by("pk")
    return {payment.payment_no: payment for payment in rows}


def _judge(payment: Payment | None, finding: Finding, now: dt.datetime) -> list[PaymentEvent]:
    evidence, report = finding.evidence, finding.report
    evidence.payment_no = finding.payment_no[:64]
    evidence.claim = report.state if report else ""
    if payment is None:
        evidence.verdict = Verdict.ORPHAN
        raise_alert(
            "alert.orphan",
            subject=evidence.payment_no,
            detail=f"{evidence.channel} speaks of a payment that is not here",
            now=now,
        )
        return []
    evidence.payment = payment
    if evidence.channel != payment.channel:
        contradict(evidence, f"it is a payment of {payment.channel}", now)
        return []
    if report and report.channel_no and not payment.channel_no:
        payment.channel_no = report.channel_no
    events = _judge_status(payment, finding, now)
    events += _judge_captures(payment, finding, now)
    _note_consult(payment, finding, now)
    return events


def _judge_status(payment: Payment, finding: Finding, now: dt.datetime) -> list[PaymentEvent]:
    evidence, report = finding.evidence, finding.report
    if _is_of_another_capture(payment, report):
        evidence.verdict = Verdict.REPEATED  # unless `_judge_captures` finds that it is new
        return []
    if _is_under_another_number(payment, report):
        contradict(evidence, f"paid under another number: it was {payment.channel_no}", now)
        return []
    claim = finding.claim or _claim(payment, report)
    judgement = judge(Status(payment.status), claim)
    evidence.verdict = judgement.verdict
    if judgement.verdict is Verdict.CONTRADICTS and _is_old_news(payment, claim):
        evidence.verdict = Verdict.REPEATED
    elif judgement.verdict is Verdict.CONTRADICTS:
        contradict(evidence, f"{payment.status} can't become that", now)
    elif judgement.verdict is Verdict.REPEATED and evidence.source == Source.OPERATOR:
        why = f"asked again, the channel says {claim}"
        withdraw_alert("alert.contradiction", subject=payment.payment_no, why=why, now=now)
    return [_move(payment, judgement.to, finding, now)] if judgement.to else []


def _is_old_news(payment: Payment, claim: Status | None) -> bool:
    """Whether it tells of the end that the payment had before its money came late."""
    without_money = FINAL - MONEY_CAME
    return claim in without_money and payment.events.filter(to_status__in=without_money).exists()


def contradict(evidence: Evidence, why: str, now: dt.datetime) -> None:
    """Keep what can't be believed, and call a person."""
    evidence.verdict = Verdict.CONTRADICTS
    evidence.error = why
    subject = evidence.refund_no or evidence.payment_no
    raise_alert("alert.contradiction", subject=subject, detail=why, now=now)


def _claim(payment: Payment, report: Report | None) -> Status | None:
    if report is None or report.state is not ChannelState.PAID:
        return _CLAIMS[report.state] if report else None
    asked = (payment.amount, payment.currency, payment.merchant)
    received = (report.amount, report.currency, report.merchant)
    return Status.SUCCEEDED if received == asked else Status.MISPAID


def _is_of_another_capture(payment: Payment, report: Report | None) -> bool:
    """Whether it tells of other money than that which ended this payment."""
    if report is None or report.state is not ChannelState.PAID:
        return False
    numbers = {report.capture_no, payment.capture_no}
    return payment.status in MONEY_CAME and "" not in numbers and len(numbers) > 1


def _is_under_another_number(payment: Payment, report: Report | None) -> bool:
    """Whether a channel that doesn't number its captures may have taken money once more.

    Nobody can tell for sure, so nothing is refunded by it: a person has to look.
    """
    if report is None or report.state is not ChannelState.PAID:
        return False
    if report.capture_no or payment.capture_no or payment.status not in MONEY_CAME:
        return False
    numbers = {report.channel_no, payment.channel_no}
    return "" not in numbers and len(numbers) > 1


def _judge_captures(payment: Payment, finding: Finding, now: dt.datetime) -> list[PaymentEvent]:
    """Record the captures beyond the first that are not known yet."""
    evidence, report = finding.evidence, finding.report
    if report is None or report.state is not ChannelState.PAID:
        return []
    told = list(report.further)
    if _is_of_another_capture(payment, report):
        told.append(_capture_of(report))
    told = [each for each in told if each.amount and each.capture_no != payment.capture_no]
    if not told or payment.status not in MONEY_CAME:
        return []
    known = set(payment.further_captures.values_list("capture_no", flat=True))
    new = {each.capture_no: each for each in told if each.capture_no not in known}
    if new and report.merchant != payment.merchant:
        contradict(evidence, f"captured again, for another account: {report.merchant}", now)
        return []
    ours = [each for each in new.values() if each.currency == payment.received_currency]
    if ours:
        evidence.verdict = Verdict.APPLIED
    if len(ours) < len(new):
        contradict(evidence, "captured again, in another currency", now)
    return [_record_capture(payment, capture, finding, now) for capture in ours]


def _capture_of(report: Report) -> Capture:
    return Capture(
        capture_no=report.capture_no, amount=report.amount or 0, currency=report.currency or ""
    )


def _record_capture(
    payment: Payment, capture: Capture, finding: Finding, now: dt.datetime
) -> PaymentEvent:
    row = FurtherCapture.objects.create(
        payment=payment,
        capture_no=capture.capture_no,
        amount=capture.amount,
        currency=capture.currency,
        evidence=finding.evidence,
        recorded_at=now,
    )
    payment.captured_total += capture.amount
    payment.version += 1
    log.warning("captured_again", payment_no=payment.payment_no, capture_no=capture.capture_no)
    return _event(payment, payment.status, finding, now, capture=row)


def _move(payment: Payment, to: Status, finding: Finding, now: dt.datetime) -> PaymentEvent:
    """Write the move on the row; the event is number `version` of this payment."""
    was, payment.status = payment.status, to
    payment.version += 1
    report = finding.report
    if report and report.state is ChannelState.PAID:
        payment.received_amount = report.amount
        payment.received_currency = report.currency or ""
        payment.received_merchant = report.merchant or ""
        payment.capture_no = report.capture_no
        payment.channel_no = report.channel_no or payment.channel_no
        payment.captured_total += report.amount or 0
        payment.paid_at = report.paid_at
    if to not in IN_FOG:
        payment.settled_at = now
        payment.consult_due_at = None
    if payment.slow_lane_at and to not in IN_FOG:
        withdraw_alert("alert.slow_lane", subject=payment.payment_no, why=f"it is {to}", now=now)
    if to == Status.MISPAID:
        raise_alert(
            "alert.mispaid",
            subject=payment.payment_no,
            detail=_how_mispaid(payment),
            now=now,
            order_no=payment.order_no,
        )
    log.info(
        "payment_moved",
        payment_no=payment.payment_no,
        order_no=payment.order_no,
        was=was,
        now=str(to),
        source=str(finding.evidence.source),
    )
    return _event(payment, was, finding, now)


def _event(
    payment: Payment,
    was: str,
    finding: Finding,
    now: dt.datetime,
    capture: FurtherCapture | None = None,
) -> PaymentEvent:
    return PaymentEvent(
        payment=payment,
        seq=payment.version,
        from_status=was,
        to_status=payment.status,
        source=finding.evidence.source,
        evidence=finding.evidence,
        capture=capture,
        occurred_at=now,
        relay_due_at=now,
    )


def _how_mispaid(payment: Payment) -> str:
    asked = format_money(payment.amount, payment.currency)
    came = format_money(payment.received_amount or 0, payment.received_currency)
    return f"asked {asked} for {payment.merchant}, came {came} for {payment.received_merchant}"


def _note_consult(payment: Payment, finding: Finding, now: dt.datetime) -> None:
    if finding.asked_at is None:
        return
    payment.consulted_at = finding.asked_at
    # Whoever moved the due time since our claim (the shopper came back) knows better.
    if payment.in_fog and finding.ask_again_at and payment.consult_due_at == finding.lease:
        payment.consult_due_at = finding.ask_again_at
    if payment.in_fog and finding.slow_lane and payment.slow_lane_at is None:
        payment.slow_lane_at = finding.asked_at
        raise_alert(
            "alert.slow_lane",
            subject=payment.payment_no,
            detail=f"{payment.channel} has not said how it ended",
            now=now,
            order_no=payment.order_no,
        )
