"""Statements: what of `payments.services.statements` concerns the money, on plain rows.

Differences are kept only as the numbers that a person is called for.
"""

import datetime as dt
import hashlib
import json
from dataclasses import asdict
from functools import partial
from zoneinfo import ZoneInfo

from common.kill_points import reach
from payments.channels.base import (
    Channel,
    ChannelError,
    ChannelState,
    RefundReport,
    RefundState,
    Report,
    StatementLine,
)
from payments.services.statements.days import (
    channels_with_statements,
    ready_at,
    unknown_days,
)
from payments.services.statements.importing import DELAYS, LEASE
from payments.states import MONEY_CAME, RefundStatus, Source, Verdict
from proof.simulator.pure.consulting import settle_each
from proof.simulator.pure.refunding import RefundFinding, settle_refunds
from proof.simulator.pure.rows import Evidence, Payment, Refund, Statement
from proof.simulator.pure.settling import Finding, is_of_another_capture, settle
from proof.simulator.pure.store import Store

_KNOWN = frozenset({Verdict.APPLIED, Verdict.REPEATED})


def import_statements(store: Store, now: dt.datetime) -> None:
    """Import each statement of the last days that is due."""
    for channel in channels_with_statements():
        _expect(store, channel, now)
        for (name, day), statement in list(store.statements.items()):
            if name == channel.name and statement.due_at and statement.due_at <= now:
                _import(store, channel, day, statement, now)


def due_at(store: Store) -> dt.datetime | None:
    times = [each.due_at for each in store.statements.values() if each.due_at]
    return min(times, default=None)


def _expect(store: Store, channel: Channel, now: dt.datetime) -> None:
    first = next((each for each in store.payments.values() if each.channel == channel.name), None)
    if first is None:
        return
    with store.atomic():
        known = {day for name, day in store.statements if name == channel.name}
        today = now.astimezone(ZoneInfo(channel.capabilities.statement_timezone)).date()
        for day in unknown_days(known=known, today=today):
            if day >= first.created_at.date():
                store.statements[channel.name, day] = Statement(ready_at(day, channel.capabilities))


def _import(
    store: Store, channel: Channel, day: dt.date, statement: Statement, now: dt.datetime
) -> None:
    with store.atomic():
        statement.due_at = now + LEASE
        statement.tries += 1
    try:
        if statement.lines is None:
            lines = list(channel.read_statement(channel.download_statement(day)))
            with store.atomic():
                statement.lines = lines
        reach("statement.stored")
        is_done = _compare(store, channel, day, statement.lines, now)
    except ChannelError:
        is_done = False
    except Exception:  # noqa: BLE001  (as the original: it is postponed)
        is_done = False
    with store.atomic():
        delay = DELAYS[min(statement.tries, len(DELAYS)) - 1]
        statement.due_at = None if is_done else now + delay


def _compare(
    store: Store, channel: Channel, day: dt.date, lines: list[StatementLine], now: dt.datetime
) -> bool:
    """Have the door judge what is new; whether all of it could be settled."""
    payments: list[Finding] = []
    refunds: list[RefundFinding] = []
    with store.atomic():
        for line in lines:
            if line.kind == "payment":
                payments += _of_payment(store, channel, day, line, now)
            else:
                refunds += _of_refund(store, channel, day, line, now)
        _note_missing(store, channel, day, lines)
    reach("statement.compared")
    if payments:
        settle_each(store, partial(settle, store, now=now), payments)
    if refunds:
        settle_each(store, partial(settle_refunds, store, now=now), refunds)
    judged = [finding.evidence for finding in payments] + [each.evidence for each in refunds]
    for evidence in judged:
        if evidence.verdict not in _KNOWN:
            store.alarmed.add(evidence.refund_no or evidence.payment_no)
    return not any(each.verdict in (Verdict.PENDING, Verdict.FAILED) for each in judged)


def _of_payment(
    store: Store, channel: Channel, day: dt.date, line: StatementLine, now: dt.datetime
) -> list[Finding]:
    payment = store.payments.get(line.payment_no)
    report = Report(
        payment_no=line.payment_no,
        state=ChannelState.PAID,
        amount=line.amount,
        currency=line.currency,
        merchant=line.merchant,
        channel_no=line.channel_no,
        capture_no=line.capture_no,
        paid_at=line.at,
    )
    if payment is None or payment.channel != channel.name:
        store.alarmed.add(line.payment_no)
        return []
    if _is_known(payment, report):
        return []
    evidence = _evidence(store, channel, day, line, now)
    return [Finding(evidence, line.payment_no, report)] if evidence else []


def _is_known(payment: Payment, report: Report) -> bool:
    if payment.status not in MONEY_CAME:
        return False
    further = is_of_another_capture(payment, report)
    return not further or report.capture_no in payment.further


def _of_refund(
    store: Store, channel: Channel, day: dt.date, line: StatementLine, now: dt.datetime
) -> list[RefundFinding]:
    refund = store.refunds.get(line.refund_no)
    if refund is None or refund.payment.channel != channel.name:
        store.alarmed.add(line.refund_no)
        return []
    if _has_succeeded(refund):
        return []
    evidence = _evidence(store, channel, day, line, now)
    report = RefundReport(
        refund_no=line.refund_no,
        payment_no=line.payment_no,
        state=RefundState.SUCCEEDED,
        amount=line.amount,
        currency=line.currency,
        channel_no=line.channel_no,
        refunded_at=line.at,
    )
    return [RefundFinding(evidence, line.refund_no, report)] if evidence else []


def _has_succeeded(refund: Refund) -> bool:
    return any(event.to == RefundStatus.SUCCEEDED for event in refund.events)


def _evidence(
    store: Store, channel: Channel, day: dt.date, line: StatementLine, now: dt.datetime
) -> Evidence | None:
    """Stored once however often the line is read; None when the door has judged it before."""
    text = json.dumps(asdict(line), default=str)
    key = f"statement:{day}:{hashlib.sha256(text.encode()).hexdigest()}"
    evidence = store.events.get((channel.name, key))
    if evidence is None:
        evidence = Evidence(channel.name, Source.STATEMENT, now, line.payment_no, line.refund_no)
        store.events[channel.name, key] = evidence
    waits = evidence.verdict in (Verdict.PENDING, Verdict.FAILED)
    return evidence if waits else None


def _note_missing(store: Store, channel: Channel, day: dt.date, lines: list[StatementLine]) -> None:
    """Money that we say moved that day, and the statement does not."""
    told = {line.refund_no or line.payment_no for line in lines}
    for payment in store.payments.values():
        at = payment.paid_at
        came = payment.channel == channel.name and payment.status in MONEY_CAME
        if came and at and at.date() == day and payment.payment_no not in told:
            store.alarmed.add(payment.payment_no)
    for refund in store.refunds.values():
        at = refund.refunded_at
        gone = refund.payment.channel == channel.name and refund.status is RefundStatus.SUCCEEDED
        if gone and at and at.date() == day and refund.refund_no not in told:
            store.alarmed.update((refund.refund_no, refund.payment.payment_no))
