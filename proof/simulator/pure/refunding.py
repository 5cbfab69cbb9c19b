"""Giving money back: what `payments.services.refunding` does, on plain rows."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

from common.kill_points import reach
from payments import models, wake
from payments.channels.base import RefundReport, RefundState
from payments.channels.registry import get_channel, get_refund_schedule
from payments.services import (
    GivenBackOtherwise,
    NotFailed,
    NothingToRefund,
    OriginReused,
    RefundNotPossible,
    RefundTooLarge,
)
from payments.services.asking import RefundAnswer, ask_refund
from payments.services.refunding.again import SURPLUS
from payments.services.refunding.loop import BATCH, LEASE, SLOW_AFTER
from payments.services.refunding.settling import LOOK_BACK, SETTLED_AFTER
from payments.states import (
    REFUND_MOVES,
    RefundReason,
    RefundStatus,
    Source,
    Status,
    Verdict,
    judge_refund,
)
from proof.simulator.pure.consulting import ask_again_at, settle_each
from proof.simulator.pure.rows import Event, Evidence, Payment, Refund
from proof.simulator.pure.settling import contradict
from proof.simulator.pure.store import Store

_CLAIMS = {
    RefundState.PENDING: RefundStatus.PENDING,
    RefundState.SUCCEEDED: RefundStatus.SUCCEEDED,
    RefundState.FAILED: RefundStatus.FAILED,
    RefundState.NOT_FOUND: None,
}


@dataclass(slots=True)
class RefundFinding:
    """Evidence about a refund, what it says, and when to ask again if it ended nothing."""

    evidence: Evidence
    refund_no: str
    report: RefundReport | None = None
    refused: bool = False
    sent_before: dt.datetime | None = None
    asked_at: dt.datetime | None = None
    ask_again_at: dt.datetime | None = None
    lease: dt.datetime | None = None
    slow_lane: bool = False


def request_refund(
    store: Store,
    payment: Payment,
    *,
    amount: int | None,
    reason: RefundReason,
    origin: str,
    now: dt.datetime,
    note: str = "",
    actor: str = "",
) -> Refund:
    """Write the row of a refund. Belongs into a transaction; raises before it changes anything."""
    earlier = store.refunds_by_origin.get(origin)
    if earlier:
        became = (RefundReason.CUSTOMER, RefundReason.SECOND)
        same_reason = reason == earlier.reason or (reason, earlier.reason) == became
        if (
            earlier.payment is not payment
            or amount not in (None, earlier.amount)
            or not same_reason
        ):
            raise OriginReused
        return earlier
    checked = _checked(payment, amount)
    pk = store.next_pk()
    refund = Refund(
        pk=pk,
        refund_no=f"R{pk:015}",
        payment=payment,
        amount=checked,
        currency=payment.received_currency,
        reason=_owed_first(payment, checked, reason),
        note=note,
        origin=origin,
        actor=actor,
        created_at=now,
        consult_due_at=now,
    )
    payment.refund_total += checked
    payment.refunds.append(refund)
    store.refunds[refund.refund_no] = refund
    store.refunds_by_origin[origin] = refund
    store.refund_consults.put(pk, refund)
    source = Source.OPERATOR if actor else Source.START
    _tell(store, refund, "", source=source, evidence=None, now=now)
    store.on_commit(lambda: reach("refund.requested"))
    store.wake_on_commit(wake.RELAY_DUE)
    store.announce_on_commit(wake.REFUND_DUE, now, now)
    return refund


def _checked(payment: Payment, amount: int | None) -> int:
    left = payment.refundable
    if amount is not None and amount <= 0:
        raise ValueError("a refund needs a positive amount")
    if left == 0:
        raise NothingToRefund
    if amount is not None and amount > left:
        raise RefundTooLarge(refundable=left, currency=payment.received_currency)
    ours = payment.received_merchant in ("", payment.merchant)
    if not ours or not get_channel(payment.channel).capabilities.can_refund:
        raise RefundNotPossible
    return left if amount is None else amount


def _owed_first(payment: Payment, amount: int, reason: RefundReason) -> RefundReason:
    """What was captured twice goes back first, whoever asks."""
    further = payment.captured_total - (payment.received_amount or 0)
    if reason is not RefundReason.CUSTOMER or not further:
        return reason
    going = sum(
        refund.amount
        for refund in payment.refunds
        if refund.reason is RefundReason.SECOND and refund.status is not RefundStatus.FAILED
    )
    return RefundReason.SECOND if amount <= further - going else reason


def refund_again(store: Store, failed: Refund, now: dt.datetime, actor: str) -> Refund:
    """Ask for a new refund of the same amount and reason; a repeat returns the one it made."""
    with store.atomic():
        is_surplus = failed.origin.startswith(SURPLUS)
        family = failed.origin.rpartition("/")[0] if is_surplus else "again"
        origin = f"{family}/{failed.refund_no}"
        if failed.status is not RefundStatus.FAILED:
            raise NotFailed
        others = [
            refund
            for refund in failed.payment.refunds
            if is_surplus
            and refund.origin.startswith(f"{family}/")
            and refund.status is not RefundStatus.FAILED
            and refund.origin != origin
        ]
        if others:
            raise GivenBackOtherwise
        fresh = request_refund(
            store,
            failed.payment,
            amount=failed.amount,
            reason=failed.reason,
            origin=origin,
            note=f"Again, after {failed.refund_no} had failed",
            now=now,
            actor=actor,
        )
        store.withdraw("refund_failed", failed.refund_no)
    return fresh


def refund_due(store: Store, now: dt.datetime) -> int:
    """Send or query one batch of refunds that are due; a full batch wakes another worker first."""
    store.woken(wake.REFUND_DUE)
    with store.atomic():
        refunds = store.refund_consults.claim(now, BATCH)
        sent_before = _sent_at(refunds)
        _push(store, refunds, now)
    if len(refunds) == BATCH:
        store.announce_each(wake.REFUND_DUE, [now - dt.timedelta(seconds=1)], now)
    _consult(store, refunds, Source.CONSULT, sent_before, now)
    return len(refunds)


def _sent_at(refunds: list[Refund]) -> list[dt.datetime | None]:
    return [refund.sent_at for refund in refunds]


def query_refund_now(store: Store, refund: Refund, now: dt.datetime) -> None:
    """An operator asks the channel, whatever the refund's status."""
    refunds = [refund]
    sent_before = _sent_at(refunds)
    if refund.is_open:
        with store.atomic():
            _push(store, refunds, now)
    _consult(store, refunds, Source.OPERATOR, sent_before, now)


def _push(store: Store, refunds: list[Refund], now: dt.datetime) -> None:
    for refund in refunds:
        refund.consult_due_at = now + LEASE
        if refund.status is RefundStatus.REQUESTED:
            refund.send_calls += 1
            refund.sent_at = now
        store.refund_consults.put(refund.pk, refund)


def _consult(
    store: Store,
    refunds: Sequence[Refund],
    source: Source,
    sent_before: Sequence[dt.datetime | None],
    now: dt.datetime,
) -> None:
    if not refunds:
        return
    reach("refund.claimed")
    started = store.around.stopwatch()
    leases = [refund.consult_due_at for refund in refunds]
    any_price = source is Source.OPERATOR
    calls = [
        partial(ask_refund, cast("models.Refund", refund), at_any_price=any_price)
        for refund in refunds
    ]
    answers = store.around.side_by_side(calls)
    now += dt.timedelta(seconds=store.around.stopwatch() - started)
    with store.atomic():
        findings = [
            _finding(store, refund, answer, lease=lease, sent_before=sent, source=source, now=now)
            for refund, answer, lease, sent in zip(
                refunds, answers, leases, sent_before, strict=True
            )
        ]
    reach("refund.stored")
    settle_each(store, lambda some: settle_refunds(store, some, now), findings)
    reach("refund.settled")
    due_times = [each.ask_again_at for each in findings if each.ask_again_at]
    store.announce_each(wake.REFUND_DUE, due_times, now)


def _finding(
    store: Store,
    refund: Refund,
    answer: RefundAnswer,
    *,
    lease: dt.datetime | None,
    sent_before: dt.datetime | None,
    source: Source,
    now: dt.datetime,
) -> RefundFinding:
    first = refund.status is RefundStatus.REQUESTED and refund.send_calls == 1
    source = Source.START if source is Source.CONSULT and first else source
    payment = refund.payment
    evidence = Evidence(
        payment.channel, source, now, payment.payment_no, refund.refund_no, error=answer.error
    )
    schedule = get_refund_schedule(payment.channel)
    return RefundFinding(
        evidence=evidence,
        refund_no=refund.refund_no,
        report=answer.report,
        refused=answer.refused,
        sent_before=sent_before,
        asked_at=now,
        ask_again_at=ask_again_at(store, refund.created_at, schedule, answer.retry_after, now),
        lease=lease,
        slow_lane=now - refund.created_at >= SLOW_AFTER.get(refund.status, dt.timedelta.max),
    )


def settle_refunds(store: Store, findings: Sequence[RefundFinding], now: dt.datetime) -> None:
    """The door for refunds: judge findings and write what follows, in one transaction."""
    with store.atomic():
        reach("refund.written")  # before anything is written, as a rollback leaves it
        happened = False
        for finding in findings:
            happened |= _judge(store, store.refunds.get(finding.refund_no), finding, now)
        if happened:
            store.wake_on_commit(wake.RELAY_DUE)


def _judge(store: Store, refund: Refund | None, finding: RefundFinding, now: dt.datetime) -> bool:
    evidence, report = finding.evidence, finding.report
    evidence.refund_no = finding.refund_no[:64]
    if refund is None:
        evidence.verdict = Verdict.ORPHAN
        evidence.payment_no = report.payment_no[:64] if report else ""
        store.alert("orphan", evidence.refund_no)
        return False
    evidence.is_linked = True
    evidence.payment_no = refund.payment.payment_no
    if why := _not_ours(refund, finding):
        contradict(store, evidence, why)
        _note_consult(store, refund, finding, now)
        return False
    if report and report.channel_no and not refund.channel_no:
        refund.channel_no = report.channel_no
    claim = _claim(refund, finding, now)
    takes_back = not refund.is_open and claim in REFUND_MOVES[refund.status]
    if takes_back and evidence.source in (Source.CALLBACK, Source.STATEMENT):
        # It may be older than the news of that end: the channel is asked.
        evidence.verdict = Verdict.INCONCLUSIVE
        refund.consult_due_at = now
        store.refund_consults.put(refund.pk, refund)
        store.announce_on_commit(wake.REFUND_DUE, now, now)
        return False
    judgement = judge_refund(refund.status, claim)
    evidence.verdict = judgement.verdict
    if judgement.to:
        _move(store, refund, judgement.to, finding, now)
    _note_consult(store, refund, finding, now)
    return judgement.to is not None


def _claim(refund: Refund, finding: RefundFinding, now: dt.datetime) -> RefundStatus | None:
    if finding.report:
        return _CLAIMS[finding.report.state]
    if not finding.refused or refund.status is not RefundStatus.REQUESTED:
        return None
    sent_before = finding.sent_before or refund.created_at
    settled = refund.send_calls == 1 or now - sent_before >= SETTLED_AFTER
    return RefundStatus.FAILED if settled else None


def _not_ours(refund: Refund, finding: RefundFinding) -> str:
    payment, report = refund.payment, finding.report
    if finding.evidence.channel != payment.channel:
        return "a refund at another channel"
    if report is None:
        return ""
    if report.payment_no != payment.payment_no:
        return "a refund of another payment"
    told = (report.amount, report.currency)
    if report.state is RefundState.SUCCEEDED and told != (refund.amount, refund.currency):
        return "a refund of another amount"
    is_back = refund.status is RefundStatus.FAILED and report.state is RefundState.SUCCEEDED
    return "it went back twice" if is_back and refund.amount > payment.refundable else ""


def _move(
    store: Store, refund: Refund, to: RefundStatus, finding: RefundFinding, now: dt.datetime
) -> None:
    was, refund.status = refund.status, to
    refund.version += 1
    payment, report = refund.payment, finding.report
    if to is RefundStatus.FAILED:
        payment.refund_total -= refund.amount
        store.may_owe[payment.payment_no] = None
    elif was is RefundStatus.FAILED:
        payment.refund_total += refund.amount
    if not refund.is_open:
        refund.settled_at = now
        refund.consult_due_at = _look_back_at(refund, now)
        store.refund_consults.put(refund.pk, refund)
        refund.refunded_at = report.refunded_at if report else None
    refund.error = finding.evidence.error if to is RefundStatus.FAILED else ""
    _tell_people(store, refund)
    _tell(store, refund, was, source=finding.evidence.source, evidence=finding.evidence, now=now)


def _look_back_at(refund: Refund, now: dt.datetime) -> dt.datetime | None:
    if refund.status is not RefundStatus.SUCCEEDED or refund.settled_at is None:
        return None
    times = (refund.settled_at + after for after in LOOK_BACK)
    return next((at for at in times if at > now), None)


def _tell_people(store: Store, refund: Refund) -> None:
    payment = refund.payment
    if refund.status is RefundStatus.FAILED:
        store.alert("refund_failed", refund.refund_no, refund.error)
    if payment.status is Status.MISPAID and payment.refundable == 0:
        store.withdraw("mispaid", payment.payment_no)
    if not refund.is_open:
        store.withdraw("refund_slow", refund.refund_no)
    if refund.status is RefundStatus.SUCCEEDED:
        for other in payment.refunds:
            same = other.amount == refund.amount and other.status is RefundStatus.FAILED
            if same or other is refund:
                store.withdraw("refund_failed", other.refund_no)


def _tell(
    store: Store,
    refund: Refund,
    was: str,
    *,
    source: Source,
    evidence: Evidence | None,
    now: dt.datetime,
) -> None:
    event = Event(
        pk=store.next_pk(),
        seq=refund.version,
        was=was,
        to=refund.status,
        source=source,
        due_at=now,
        evidence=evidence,
        refund=refund,
    )
    refund.events.append(event)
    store.refund_relays.put(event.pk, event)
    store.moved.append(event)


def _note_consult(store: Store, refund: Refund, finding: RefundFinding, now: dt.datetime) -> None:
    if finding.asked_at is None:
        return
    if finding.lease is not None and refund.consult_due_at == finding.lease:
        answered = not refund.is_open and finding.report
        again_at = _look_back_at(refund, now) if answered else finding.ask_again_at
        refund.consult_due_at = again_at
        store.refund_consults.put(refund.pk, refund)
    if refund.is_open and finding.slow_lane and refund.slow_lane_at is None:
        refund.slow_lane_at = finding.asked_at
        store.alert("refund_slow", refund.refund_no)
