"""Which days of a channel have a statement, and when they begin, end and can be had."""

import datetime as dt
from collections.abc import Collection
from zoneinfo import ZoneInfo

import structlog
from django.conf import settings

from payments.channels.base import Capabilities, Channel
from payments.channels.registry import channel_names, get_channel
from payments.models import Payment, Statement

log = structlog.get_logger(__name__)

A_DAY = dt.timedelta(days=1)
FARTHEST = 90  # days that are looked for after a long absence; channels keep about as many


def channels_with_statements() -> list[Channel]:
    """The configured channels that write statements."""
    channels = [get_channel(name) for name in channel_names()]
    return [channel for channel in channels if channel.capabilities.has_statement]


def expect_all(*, now: dt.datetime) -> tuple[list[Channel], dict[str, str]]:
    """Expect the statements of each channel that writes some; one that breaks stops no other.

    Returns those channels, and what is wrong with the broken ones, by name.
    """
    channels, broken = [], {}
    for name in channel_names():
        try:
            channel = get_channel(name)
            if channel.capabilities.has_statement:
                expect_statements(channel=channel, now=now)
                channels.append(channel)
        except Exception as error:
            log.exception("statements_not_expected", channel=name)
            broken[name] = f"its statements can't be looked for: {error!r}"
    return channels, broken


def bounds(day: dt.date, capabilities: Capabilities) -> tuple[dt.datetime, dt.datetime]:
    """The first moment of the channel's day, and the first one after it; a day may have 23 h."""
    zone = ZoneInfo(capabilities.statement_timezone)
    begin, end = (
        dt.datetime.combine(each, dt.time(), zone).astimezone(dt.UTC) for each in (day, day + A_DAY)
    )
    return begin, end


def ready_at(day: dt.date, capabilities: Capabilities) -> dt.datetime:
    """From when on the channel promises the day's statement."""
    _, end = bounds(day, capabilities)
    return end + dt.timedelta(seconds=capabilities.statement_ready_after)


def is_over(day: dt.date, capabilities: Capabilities, now: dt.datetime) -> bool:
    """Whether the channel's day has ended."""
    return bounds(day, capabilities)[1] <= now


def expect_statements(*, channel: Channel, now: dt.datetime) -> None:
    """Make sure that each of the last ended days has its row, due when its statement is ready.

    Not the days before the channel's first payment: a new shop has nothing to look for.
    """
    today = _today(channel, now)
    rows = Statement.objects.filter(channel=channel.name, day__gte=today - A_DAY * _farthest())
    missing = unknown_days(known=set(rows.values_list("day", flat=True)), today=today)
    first = _first_day(channel) if missing else None
    Statement.objects.bulk_create(
        [
            Statement(channel=channel.name, day=day, due_at=ready_at(day, channel.capabilities))
            for day in missing
            if first and day >= first
        ],
        ignore_conflicts=True,
    )


def unknown_days(*, known: Collection[dt.date], today: dt.date) -> list[dt.date]:
    """The last ended days without those that are known.

    Where nobody has looked for longer than that, they begin after the last day that is known.
    """
    days = [today - A_DAY * back for back in range(1, _farthest() + 1)]
    older = (back for back, day in enumerate(days) if day in known)
    far = next((back for back in older if back >= settings.STATEMENT_DAYS), settings.STATEMENT_DAYS)
    return [day for day in days[:far] if day not in known]


def _farthest() -> int:
    return max(FARTHEST, settings.STATEMENT_DAYS)


def _today(channel: Channel, now: dt.datetime) -> dt.date:
    return now.astimezone(ZoneInfo(channel.capabilities.statement_timezone)).date()


def _first_day(channel: Channel) -> dt.date | None:
    payments = Payment.objects.filter(channel=channel.name).order_by("pk")
    created_at = payments.values_list("created_at", flat=True).first()
    if created_at is None:
        return None
    return created_at.astimezone(ZoneInfo(channel.capabilities.statement_timezone)).date()
