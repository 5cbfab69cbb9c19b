"""Getting statements. The loop is that of the consults: claim what is due, push, fetch, compare."""

import datetime as dt
from collections.abc import Callable, Iterable

import structlog
from django.db import transaction
from django.db.models import F

from common.kill_points import reach
from payments.channels.base import Channel, ChannelError
from payments.channels.registry import get_channel
from payments.models import Statement
from payments.services.statements.alarms import raise_alarms
from payments.services.statements.comparing import NotSettled, compare
from payments.services.statements.days import expect_all, is_over
from payments.services.statements.storing import Unreadable, store
from payments.states import StatementState

log = structlog.get_logger(__name__)

LEASE = dt.timedelta(minutes=15)  # longer than to download and compare a large one
DELAYS = tuple(dt.timedelta(minutes=minutes) for minutes in (10, 30, 60))  # the last for ever


class NoStatements(Exception):
    """This channel writes no statements."""


class DayNotOver(Exception):
    """This day is not over in the channel's time zone."""


def import_statements(*, now: dt.datetime) -> int:
    """Import each statement of the last days that is due; returns how many were compared."""
    channels, broken = expect_all(now=now)
    count = 0
    while statement := _claim([channel.name for channel in channels], now):
        _import(statement, None if _is_stored(statement) else _download(statement), now)
        count += statement.state == StatementState.COMPARED
    raise_alarms(channels=channels, broken=broken, now=now)
    return count


def import_now(*, channel: str, day: dt.date, now: dt.datetime, actor: str) -> Statement:
    """An operator has a day's statement downloaded and compared, whatever was there before.

    Returns it as it then is: `state` and `error` say what came of it. Raises `UnknownChannel`,
    `NoStatements`, `DayNotOver`.
    """
    statement = _take(channel, day, now, actor)
    _import(statement, _download(statement), now)
    return Statement.objects.get(pk=statement.pk)


def import_file(
    *, channel: str, day: dt.date, raw: Iterable[bytes], now: dt.datetime, actor: str
) -> Statement:
    """The same with a statement that the operator has got otherwise."""
    statement = _take(channel, day, now, actor)
    _import(statement, lambda: raw, now)
    return Statement.objects.get(pk=statement.pk)


def _is_stored(statement: Statement) -> bool:
    """Whether a try before this one came as far as storing it."""
    return statement.state == StatementState.WAITING and statement.downloaded_at is not None


def _download(statement: Statement) -> Callable[[], Iterable[bytes]]:
    return lambda: get_channel(statement.channel).download_statement(statement.day)


@transaction.atomic
def _claim(channels: list[str], now: dt.datetime) -> Statement | None:
    """Take the next due row and push it one lease ahead; rows that others hold are skipped."""
    due = Statement.objects.select_for_update(skip_locked=True, no_key=True)
    statement = due.filter(due_at__lte=now, channel__in=channels).order_by("due_at", "pk").first()
    if statement:
        _push(statement, now)
    return statement


@transaction.atomic
def _take(channel: str, day: dt.date, now: dt.datetime, actor: str) -> Statement:
    """The row of a day that an operator wants, whether it is due or not."""
    adapter = get_channel(channel)
    if not adapter.capabilities.has_statement:
        raise NoStatements(NoStatements.__doc__)
    if not is_over(day, adapter.capabilities, now):
        raise DayNotOver(DayNotOver.__doc__)
    log.info("statement_asked_for", channel=channel, day=day.isoformat(), actor=actor)
    rows = Statement.objects.select_for_update(no_key=True)
    statement, _ = rows.get_or_create(channel=channel, day=day)
    _push(statement, now)
    return statement


def _push(statement: Statement, now: dt.datetime) -> None:
    Statement.objects.filter(pk=statement.pk).update(due_at=now + LEASE, tries=F("tries") + 1)
    statement.tries += 1


def _import(
    statement: Statement, fetch: Callable[[], Iterable[bytes]] | None, now: dt.datetime
) -> None:
    try:
        _fetch_and_compare(statement, fetch, now)
    except Unreadable as error:
        _postpone(statement, str(error), now, state=StatementState.UNREADABLE)
    except (ChannelError, NotSettled) as error:
        _postpone(statement, str(error), now)
    except Exception as error:
        log.exception("statement_failed", channel=statement.channel, day=str(statement.day))
        _postpone(statement, repr(error), now)
    else:
        log.info("statement_compared", channel=statement.channel, day=str(statement.day))


def _fetch_and_compare(
    statement: Statement, fetch: Callable[[], Iterable[bytes]] | None, now: dt.datetime
) -> None:
    channel: Channel = get_channel(statement.channel)
    if fetch:
        store(statement=statement, raw=fetch(), channel=channel, now=now)
    reach("statement.stored")
    compare(statement=statement, channel=channel, now=now)


def _postpone(
    statement: Statement, error: str, now: dt.datetime, state: StatementState | None = None
) -> None:
    """Try again later; but one that was compared before, and can't be had anew, stays as it is."""
    done = statement.state == StatementState.COMPARED
    statement.state, statement.error = (state if state and not done else statement.state), error
    delay = DELAYS[min(statement.tries, len(DELAYS)) - 1]
    statement.due_at = None if done else now + delay
    statement.save(update_fields=["state", "error", "due_at"])
    log.warning("statement_not_imported", statement=str(statement), error=error)
