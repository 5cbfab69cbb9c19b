"""Statements that don't come, and differences that nobody resolves: never silence."""

import datetime as dt
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from django.db.models import Count

from alerts.services import open_subjects, raise_all, withdraw_alert, withdraw_all_but
from payments.channels.base import Channel
from payments.models import Difference, Statement
from payments.services.statements.days import expect_all, ready_at
from payments.states import StatementState

PATIENCE = dt.timedelta(hours=6)  # after the time at which a statement should be ready
OPEN_FOR = dt.timedelta(hours=24)
NONE: Mapping[str, str] = MappingProxyType({})


def miss_statements(*, now: dt.datetime) -> int:
    """For whoever watches the import: alerts also where nothing is imported; how many are missing.

    A queue that nobody serves, or a worker that dies in each download, would tell of nothing.
    """
    channels, broken = expect_all(now=now)
    return raise_alarms(channels=channels, broken=broken, now=now)


def raise_alarms(
    *, channels: Sequence[Channel], broken: Mapping[str, str] = NONE, now: dt.datetime
) -> int:
    """Raise an alert for each day that is missing or differs; those that have healed withdraw.

    `broken` channels are missing themselves, and nothing about their days is withdrawn. Returns
    how many alerts tell of what is missing.
    """
    missing = _missing(channels, now) | dict(broken)
    raise_all("alert.statement_missing", details=missing, now=now)
    unknown = {
        subject
        for subject in open_subjects("alert.statement_missing")
        if subject.rpartition(" ")[0] in broken
    }
    withdraw_all_but("alert.statement_missing", subjects=unknown.union(missing), now=now)
    differing = _differing(now)
    raise_all("alert.difference", details=differing, now=now)
    withdraw_all_but("alert.difference", subjects=differing, now=now)
    return len(missing)


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


def _differing(now: dt.datetime) -> dict[str, str]:
    """How many differences of a day are open, in words, where one of them is open for long."""
    old = Difference.objects.filter(resolved_at=None, found_at__lte=now - OPEN_FOR)
    statements = Statement.objects.filter(pk__in=old.values("statement"))
    counts = Difference.objects.filter(resolved_at=None, statement__in=statements)
    counted = counts.values_list("statement").annotate(Count("pk")).order_by()
    names = {statement.pk: str(statement) for statement in statements}
    return {names[pk]: f"{count} differences open" for pk, count in counted if pk in names}
