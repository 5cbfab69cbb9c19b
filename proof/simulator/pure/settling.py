"""The door for payments: what `payments.services.settling` does, on plain rows."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from common.kill_points import reach
from payments.channels.base import Capture, ChannelState, Report
from payments.states import FINAL, MONEY_CAME, Source, Status, Verdict, judge
from payments.wake import RELAY_DUE
from proof.simulator.pure.rows import Event, Evidence, Payment
from proof.simulator.pure.store import Store

_CLAIMS = {
    ChannelState.PENDING: Status.PAYING,
    ChannelState.FAILED: Status.FAILED,
    ChannelState.CANCELLED: Status.CANCELLED,
    ChannelState.CLOSED: Status.CLOSED,
    ChannelState.NOT_FOUND: None,
}
_WITHOUT_MONEY = FINAL - MONEY_CAME


@dataclass(slots=True)
class Finding:
    """Evidence, what it says, and when to ask again if it ended nothing."""

    evidence: Evidence
    payment_no: str
    report: Report | None = None
    claim: Status | None = None
    asked_at: dt.datetime | None = None
    ask_again_at: dt.datetime | None = None
    lease: dt.datetime | None = None
    slow_lane: bool = False


def settle(store: Store, findings: Sequence[Finding], now: dt.datetime) -> None:
    """Judge findings and write what follows, in one transaction."""
    with store.atomic():
        reach("settle.written")  # before anything is written, as a rollback leaves it
        happened = False
        for finding in findings:
            happened |= _judge(store, store.payments.get(finding.payment_no), finding, now)
        if happened:
            store.wake_on_commit(RELAY_DUE)


def contradict(store: Store, evidence: Evidence, why: str) -> None:
    """Keep what can't be believed, and call a person."""
    evidence.verdict = Verdict.CONTRADICTS
    evidence.error = why
    store.alert("contradiction", evidence.refund_no or evidence.payment_no, why)


def _judge(store: Store, payment: Payment | None, finding: Finding, now: dt.datetime) -> bool:
    evidence, report = finding.evidence, finding.report
    evidence.payment_no = finding.payment_no[:64]
    if payment is None:
        evidence.verdict = Verdict.ORPHAN
        store.alert("orphan", evidence.payment_no)
        return False
    evidence.is_linked = True
    if evidence.channel != payment.channel:
        contradict(store, evidence, "a payment of another channel")
        return False
    if report and report.channel_no and not payment.channel_no:
        payment.channel_no = report.channel_no
    moved = _judge_status(store, payment, finding, now)
    captured = _judge_captures(store, payment, finding, now)
    _note_consult(store, payment, finding)
    return moved or captured


def _judge_status(store: Store, payment: Payment, finding: Finding, now: dt.datetime) -> bool:
    evidence, report = finding.evidence, finding.report
    if is_of_another_capture(payment, report):
        evidence.verdict = Verdict.REPEATED
        return False
    if _is_under_another_number(payment, report):
        contradict(store, evidence, "paid under another number")
        return False
    claim = finding.claim or _claim(payment, report)
    judgement = judge(payment.status, claim)
    evidence.verdict = judgement.verdict
    if judgement.verdict is Verdict.CONTRADICTS and _is_old_news(payment, claim):
        evidence.verdict = Verdict.REPEATED
    elif judgement.verdict is Verdict.CONTRADICTS:
        contradict(store, evidence, f"{payment.status} can't become that")
    elif judgement.verdict is Verdict.REPEATED and evidence.source is Source.OPERATOR:
        store.withdraw("contradiction", payment.payment_no)
    if judgement.to:
        _move(store, payment, judgement.to, finding, now)
    return judgement.to is not None


def _is_old_news(payment: Payment, claim: Status | None) -> bool:
    """Whether it tells of the end that the payment had before its money came late."""
    return claim in _WITHOUT_MONEY and any(event.to in _WITHOUT_MONEY for event in payment.events)


def _claim(payment: Payment, report: Report | None) -> Status | None:
    if report is None or report.state is not ChannelState.PAID:
        return _CLAIMS[report.state] if report else None
    asked = (payment.amount, payment.currency, payment.merchant)
    received = (report.amount, report.currency, report.merchant)
    return Status.SUCCEEDED if received == asked else Status.MISPAID


def is_of_another_capture(payment: Payment, report: Report | None) -> bool:
    """Whether it tells of other money than that which ended this payment."""
    if report is None or report.state is not ChannelState.PAID:
        return False
    numbers = {report.capture_no, payment.capture_no}
    return payment.status in MONEY_CAME and "" not in numbers and len(numbers) > 1


def _is_under_another_number(payment: Payment, report: Report | None) -> bool:
    """Whether a channel that doesn't number its captures may have taken money once more."""
    if report is None or report.state is not ChannelState.PAID:
        return False
    if report.capture_no or payment.capture_no or payment.status not in MONEY_CAME:
        return False
    numbers = {report.channel_no, payment.channel_no}
    return "" not in numbers and len(numbers) > 1


def _judge_captures(store: Store, payment: Payment, finding: Finding, now: dt.datetime) -> bool:
    """Record the captures beyond the first that are not known yet."""
    evidence, report = finding.evidence, finding.report
    if report is None or report.state is not ChannelState.PAID:
        return False
    told = list(report.further)
    if is_of_another_capture(payment, report):
        told.append(_capture_of(report))
    told = [each for each in told if each.amount and each.capture_no != payment.capture_no]
    if not told or payment.status not in MONEY_CAME:
        return False
    new = {each.capture_no: each for each in told if each.capture_no not in payment.further}
    if new and report.merchant != payment.merchant:
        contradict(store, evidence, "captured again, for another account")
        return False
    ours = [each for each in new.values() if each.currency == payment.received_currency]
    if ours:
        evidence.verdict = Verdict.APPLIED
    if len(ours) < len(new):
        contradict(store, evidence, "captured again, in another currency")
    for capture in ours:
        payment.further[capture.capture_no] = capture
        payment.captured_total += capture.amount
        payment.version += 1
        _tell(store, payment, payment.status, finding, now=now, capture=capture)
    return bool(ours)


def _capture_of(report: Report) -> Capture:
    return Capture(
        capture_no=report.capture_no, amount=report.amount or 0, currency=report.currency or ""
    )


def _move(store: Store, payment: Payment, to: Status, finding: Finding, now: dt.datetime) -> None:
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
    if to in FINAL:
        payment.settled_at = now
        payment.consult_due_at = None
        if payment.slow_lane_at:
            store.withdraw("slow_lane", payment.payment_no)
    if to is Status.MISPAID:
        store.alert("mispaid", payment.payment_no)
    _tell(store, payment, was, finding, now=now)


def _tell(
    store: Store,
    payment: Payment,
    was: str,
    finding: Finding,
    *,
    now: dt.datetime,
    capture: Capture | None = None,
) -> None:
    """Write the event, which is number `version` of this payment."""
    event = Event(
        pk=store.next_pk(),
        seq=payment.version,
        was=was,
        to=payment.status,
        source=finding.evidence.source,
        due_at=now,
        evidence=finding.evidence,
        payment=payment,
        capture=capture,
    )
    payment.events.append(event)
    store.relays.put(event.pk, event)
    store.moved.append(event)


def _note_consult(store: Store, payment: Payment, finding: Finding) -> None:
    if finding.asked_at is None:
        return
    payment.consulted_at = finding.asked_at
    # Whoever moved the due time since our claim (the shopper came back) knows better.
    if payment.in_fog and finding.ask_again_at and payment.consult_due_at == finding.lease:
        payment.consult_due_at = finding.ask_again_at
        store.consults.put(payment.pk, payment)
    if payment.in_fog and finding.slow_lane and payment.slow_lane_at is None:
        payment.slow_lane_at = finding.asked_at
        store.alert("slow_lane", payment.payment_no)
