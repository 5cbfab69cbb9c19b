"""The one door: what a channel says becomes the payment's status, whichever path it came on."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import structlog
from django.db import transaction

from payments import wake
from payments.channels.base import ChannelState, Report
from payments.models import Evidence, Payment, PaymentEvent
from payments.services.rows import write_rows
from payments.states import IN_FOG, Status, Verdict, judge

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
    with the amount, currency and merchant that were asked for; other money makes it `mispaid`. The
    cost is the same few statements for one finding and for a batch.
    """
    with transaction.atomic():
        payments = _lock({finding.payment_no for finding in findings})
        events = [
            event
            for finding in findings
            if (event := _judge(payments.get(finding.payment_no), finding, now))
        ]
        touched = {event.payment.payment_no for event in events}
        touched |= {finding.payment_no for finding in findings if finding.asked_at}
        write_rows([payments[no] for no in sorted(touched & payments.keys())], _PAYMENT_FIELDS)
        PaymentEvent.objects.bulk_create(events)
        write_rows([finding.evidence for finding in findings], _EVIDENCE_FIELDS)
        if events:
            wake.relay_on_commit()


def _lock(payment_nos: Iterable[str]) -> dict[str, Payment]:
    """Lock in the order of the primary key, so that two batches can't wait for each other.

    `no_key`, here and everywhere: who only refers to the row (new evidence) needn't wait for us.
    """
    locked = Payment.objects.select_for_update(no_key=True)
    rows = locked.filter(payment_no__in=payment_nos).order_by("pk")
    return {payment.payment_no: payment for payment in rows}


def _judge(payment: Payment | None, finding: Finding, now: dt.datetime) -> PaymentEvent | None:
    evidence, report = finding.evidence, finding.report
    evidence.payment_no = finding.payment_no[:64]
    evidence.claim = report.state if report else ""
    if payment is None:
        evidence.verdict = Verdict.ORPHAN
        log.error("alert.orphan", channel=evidence.channel, payment_no=finding.payment_no)
        return None
    evidence.payment = payment
    if evidence.channel != payment.channel:
        _contradict(evidence, f"it is a payment of {payment.channel}")
        return None
    if report and report.channel_no and not payment.channel_no:
        payment.channel_no = report.channel_no
    judgement = judge(Status(payment.status), finding.claim or _claim(payment, report))
    evidence.verdict = judgement.verdict
    if judgement.verdict is Verdict.CONTRADICTS:
        _contradict(evidence, f"{payment.status} can't become that")
    elif judgement.verdict is Verdict.REPEATED and _is_another_charge(payment, report):
        _contradict(evidence, f"paid under another number of the channel: {payment.channel_no}")
    event = _move(payment, judgement.to, finding, now) if judgement.to else None
    _note_consult(payment, finding)
    return event


def _contradict(evidence: Evidence, why: str) -> None:
    evidence.verdict = Verdict.CONTRADICTS
    evidence.error = why
    log.error("alert.contradiction", payment_no=evidence.payment_no, why=why)


def _claim(payment: Payment, report: Report | None) -> Status | None:
    if report is None or report.state is not ChannelState.PAID:
        return _CLAIMS[report.state] if report else None
    asked = (payment.amount, payment.currency, payment.merchant)
    received = (report.amount, report.currency, report.merchant)
    return Status.SUCCEEDED if received == asked else Status.MISPAID


def _is_another_charge(payment: Payment, report: Report | None) -> bool:
    return bool(
        report
        and report.state is ChannelState.PAID
        and report.channel_no
        and payment.channel_no
        and report.channel_no != payment.channel_no
    )


def _move(payment: Payment, to: Status, finding: Finding, now: dt.datetime) -> PaymentEvent:
    """Write the move on the row; the event is number `version` of this payment."""
    was, payment.status = payment.status, to
    payment.version += 1
    report = finding.report
    if report and report.state is ChannelState.PAID:
        payment.received_amount = report.amount
        payment.received_currency = report.currency or ""
        payment.paid_at = report.paid_at
    if to not in IN_FOG:
        payment.settled_at = now
        payment.consult_due_at = None
    if to == Status.MISPAID:
        log.error("alert.mispaid", payment_no=payment.payment_no, order_no=payment.order_no)
    log.info(
        "payment_moved",
        payment_no=payment.payment_no,
        order_no=payment.order_no,
        was=was,
        now=str(to),
        source=str(finding.evidence.source),
    )
    return PaymentEvent(
        payment=payment,
        seq=payment.version,
        from_status=was,
        to_status=to,
        source=finding.evidence.source,
        evidence=finding.evidence,
        occurred_at=now,
        relay_due_at=now,
    )


def _note_consult(payment: Payment, finding: Finding) -> None:
    if finding.asked_at is None:
        return
    payment.consulted_at = finding.asked_at
    # Whoever moved the due time since our claim (the shopper came back) knows better.
    if payment.in_fog and finding.ask_again_at and payment.consult_due_at == finding.lease:
        payment.consult_due_at = finding.ask_again_at
    if payment.in_fog and finding.slow_lane and payment.slow_lane_at is None:
        payment.slow_lane_at = finding.asked_at
        log.error("alert.slow_lane", payment_no=payment.payment_no, order_no=payment.order_no)
