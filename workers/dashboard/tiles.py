"""What a tile is, and how figures are written on it."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse

from alerts.figures import OpenAlerts
from common.spans import describe_span
from orders.figures import OrderFigures, OwedBack
from payments.figures import CAP, Figures, RefundFigures

LATE = dt.timedelta(seconds=60)  # a queue whose oldest row has waited longer is in trouble


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """All figures of one moment."""

    alerts: OpenAlerts
    payments: Figures
    refunds: RefundFigures
    orders: OrderFigures
    owed: Sequence[OwedBack]
    now: dt.datetime


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure and where to read more; `mood` is empty, `warn` or `bad`."""

    title: str
    figure: str
    note: str
    url: str = ""
    mood: str = ""


def listed(page: str, query: str = "") -> str:
    """The address of a list (`app_model`), filtered."""
    return reverse(f"admin:{page}_changelist") + (f"?{query}" if query else "")


def number(count: int) -> str:
    """A count that stopped at `CAP` says so."""
    return f"{count:,}+" if count >= CAP else f"{count:,}"


def oldest(at: dt.datetime | None, now: dt.datetime, nothing: str = "nothing waits") -> str:
    """How long the oldest has waited."""
    return f"oldest waits {describe_span(now - at)}" if at else nothing


def mood_of(oldest_at: dt.datetime | None, now: dt.datetime, late: dt.timedelta = LATE) -> str:
    """`warn` when something waits, `bad` when it has waited for `late`."""
    if oldest_at is None:
        return ""
    return "bad" if now - oldest_at > late else "warn"
