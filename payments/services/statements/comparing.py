"""A stored statement against our payments and refunds, both ways."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from alerts.services import raise_alert, withdraw_alert
from common.kill_points import reach
from payments.channels.base import Channel
from payments.models import Statement
from payments.services.statements.days import A_DAY, bounds
from payments.services.statements.door import keep_evidence, settle_lines
from payments.services.statements.finding import Counts, find
from payments.services.statements.loading import create_tables, load
from payments.services.statements.recording import record, resolve_elsewhere, resolve_settled
from payments.states import MONEY_CAME, RefundStatus, Source, StatementState, Verdict

NEARBY = 2 * A_DAY  # how far from its own day a line may stand in another statement


class NotSettled(Exception):
    """Some lines could not be settled."""


@dataclass(frozen=True, slots=True)
class _Compared:
    lines: int
    counts: Counts
    evidence: list[int]  # keys of what the door has to judge


def compare(*, statement: Statement, channel: Channel, now: dt.datetime) -> None:
    """Compare a stored statement, have the door judge what is new in it, and write the outcome.

    To compare again changes nothing. Raises `Unreadable` with nothing changed; `NotSettled` where
    some lines broke at the door: the others are settled, and another try takes up the rest.
    """
    params = _params(statement, channel, now)
    with transaction.atomic():
        _lock(statement)
        compared = _compare_rows(statement, channel, params)
    reach("statement.compared")
    taken, broken = settle_lines(compared.evidence, now)
    with transaction.atomic():
        _lock(statement)
        resolve_settled(params)
        if not broken:
            _conclude(statement, compared, taken, now)
    if broken:
        raise NotSettled(f"{broken} lines could not be settled: their evidence says why")


def _lock(statement: Statement) -> None:
    """The statement before its differences, always: two who compare it at once take turns."""
    Statement.objects.select_for_update(no_key=True).get(pk=statement.pk)


def _compare_rows(statement: Statement, channel: Channel, params: dict[str, Any]) -> _Compared:
    create_tables()
    lines = load(channel=channel, statement=statement)
    counts = find(params)
    evidence = keep_evidence(params)
    record(params)
    if counts.missing_there:
        _load_nearby(statement, channel)
    resolve_elsewhere(params)
    return _Compared(lines, counts, evidence)


def _load_nearby(statement: Statement, channel: Channel) -> None:
    """Lines may stand in the statement of a day before or after, if that came first."""
    nearby = Statement.objects.filter(
        channel=statement.channel,
        day__range=(statement.day - NEARBY, statement.day + NEARBY),
        state=StatementState.COMPARED,
    ).exclude(pk=statement.pk)
    for other in nearby:
        load(channel=channel, statement=other)


def _conclude(statement: Statement, compared: _Compared, taken: int, now: dt.datetime) -> None:
    statement.state, statement.compared_at = StatementState.COMPARED, now
    statement.due_at, statement.error = None, ""
    statement.lines = compared.lines
    statement.matched = compared.lines - compared.counts.differing + taken
    statement.save(update_fields=["state", "compared_at", "due_at", "error", "lines", "matched"])
    subject = str(statement)
    withdraw_alert("alert.statement_missing", subject=subject, why="it has come", now=now)
    expected = compared.counts.expected
    if expected and compared.counts.missing_there == expected:
        detail = f"none of the {expected} lines that we expected is in it"
        raise_alert("alert.statement_empty", subject=subject, detail=detail, now=now)
    else:
        withdraw_alert("alert.statement_empty", subject=subject, why="lines have come", now=now)


def _params(statement: Statement, channel: Channel, now: dt.datetime) -> dict[str, Any]:
    """What this package's SQL refers to."""
    begin, end = bounds(statement.day, channel.capabilities)
    return {
        "channel": channel.name,
        "statement": statement.pk,
        "day": statement.day.isoformat(),
        "begin": begin,
        "end": end,
        "now": now,
        "money_came": tuple(sorted(map(str, MONEY_CAME))),
        "succeeded": str(RefundStatus.SUCCEEDED),
        "source": str(Source.STATEMENT),
        "pending": str(Verdict.PENDING),
    }
