"""Which days of a channel have a statement, and when they begin, end and can be had."""

import datetime as dt
from collections.abc import Iterator
from zoneinfo import ZoneInfo

from django.conf import settings

from payments.channels.base import Capabilities, Channel
from payments.channels.registry import channel_names, get_channel
from payments.models import Payment, Statement

A_DAY = dt.timedelta(days=1)


def channels_with_statements() -> list[Channel]:
    """The configured channels that write statements."""
    channels = [get_channel(name) for name in channel_names()]
    return [channel for channel in channels if channel.capabilities.has_statement]


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
    known = set(
        Statement.objects.filter(
            channel=channel.name, day__gte=min(_last_days(channel, now))
        ).values_list("day", flat=True)
    )
    missing = [day for day in _last_days(channel, now) if day not in known]
    first = _first_day(channel) if missing else None
    Statement.objects.bulk_create(
        [
            Statement(channel=channel.name, day=day, due_at=ready_at(day, channel.capabilities))
            for day in missing
            if first and day >= first
        ],
        ignore_conflicts=True,
    )


def _last_days(channel: Channel, now: dt.datetime) -> Iterator[dt.date]:
    today = now.astimezone(ZoneInfo(channel.capabilities.statement_timezone)).date()
    return (today - A_DAY * back for back in range(1, settings.STATEMENT_DAYS + 1))


def _first_day(channel: Channel) -> dt.date | None:
    """In the order of the primary key: a channel that is in use is found at once."""
    payments = Payment.objects.filter(channel=channel.name).order_by("pk")
    created_at = payments.values_list("created_at", flat=True).first()
    if created_at is None:
        return None
    return created_at.astimezone(ZoneInfo(channel.capabilities.statement_timezone)).date()
