"""Statements that don't come, and differences that nobody resolves: never silence."""

import datetime as dt
from collections.abc import Sequence

from django.db.models import Count

from alerts.services import raise_alert, withdraw_alert, withdraw_all_but
from payments.channels.base import Channel
from payments.models import Difference, Statement
from payments.services.statements.days import ready_at
from payments.states import StatementState

PATIENCE = dt.timedelta(hours=6)  # after the time at which a statement should be ready
OPEN_FOR = dt.timedelta(hours=24)


def raise_alarms(*, channels: Sequence[Channel], now: dt.datetime) -> None:
    """Raise an alert for each day that is missing or differs; those that have healed withdraw."""
    missing = _missing(channels, now)
    for subject, why in missing.items():
        raise_alert("alert.statement_missing", subject=subject, detail=why, now=now)
    withdraw_all_but("alert.statement_missing", subjects=missing, now=now)
    differing = _differing(now)
    for subject, count in differing.items():
        detail = f"{count} differences open"
        raise_alert("alert.difference", subject=subject, detail=detail, now=now)
    withdraw_all_but("alert.difference", subjects=differing, now=now)


def withdraw_alarm(*, statement: Statement, now: dt.datetime) -> None:
    """A difference was resolved: perhaps it was the last one of its day."""
    if not statement.differences.filter(resolved_at=None).exists():
        withdraw_alert("alert.difference", subject=str(statement), why="all resolved", now=now)


def _missing(channels: Sequence[Channel], now: dt.datetime) -> dict[str, str]:
    capabilities = {channel.name: channel.capabilities for channel in channels}
    waiting = Statement.objects.exclude(state=StatementState.COMPARED)
    return {
        str(statement): statement.error or "nothing has come yet"
        for statement in waiting.filter(channel__in=capabilities)
        if ready_at(statement.day, capabilities[statement.channel]) + PATIENCE <= now
    }


def _differing(now: dt.datetime) -> dict[str, int]:
    """How many differences of a day are open, where one of them is open for long."""
    old = Difference.objects.filter(resolved_at=None, found_at__lte=now - OPEN_FOR)
    statements = Statement.objects.filter(pk__in=old.values("statement"))
    counts = Difference.objects.filter(resolved_at=None, statement__in=statements)
    counted = counts.values_list("statement").annotate(Count("pk")).order_by()
    names = {statement.pk: str(statement) for statement in statements}
    return {names[pk]: count for pk, count in counted if pk in names}
