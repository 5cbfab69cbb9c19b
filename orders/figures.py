"""The figures of the order side that need somebody's eyes. Counts stop at `CAP`."""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.db.models import (
    BigIntegerField,
    Case,
    Count,
    F,
    Min,
    OuterRef,
    QuerySet,
    Subquery,
    Sum,
    When,
)
from django.db.models.functions import Coalesce

from orders.models import LedgerEntry, Notification, Order
from orders.states import WANTS_MONEY, Entry, NotificationState

CAP = 10_000
STANDS_STILL = dt.timedelta(minutes=5)  # a closing that has come to no end by then


@dataclass(frozen=True, slots=True)
class OwedBack:
    """Money that no order wanted and that has not gone back; `amount` in minor units."""

    currency: str
    payments: int
    amount: int


def owed_back() -> list[OwedBack]:
    """What is still owed back, by currency: surplus less what has gone back of its payments."""
    sums: dict[str, list[int]] = defaultdict(list)
    for each in owing()[:CAP]:
        sums[each["currency"]].append(each["came"] - each["back"])
    return [
        OwedBack(currency, len(sums[currency]), sum(sums[currency])) for currency in sorted(sums)
    ]


def owing() -> QuerySet[Any, Any]:
    """The payments of which more is surplus than has gone back: `order`, `came`, `back` …

    What goes back of a payment that was also applied counts as its surplus first.
    """
    signed = Case(
        When(entry=Entry.REFUND, then=F("amount")),
        default=-F("amount"),  # it bounced
        output_field=BigIntegerField(),
    )
    went_back = (
        LedgerEntry.objects.filter(
            payment_no=OuterRef("payment_no"), entry__in=[Entry.REFUND, Entry.BOUNCED]
        )
        .order_by()
        .values("payment_no")
        .annotate(back=Sum(signed))
        .values("back")
    )
    return (
        LedgerEntry.objects.filter(entry=Entry.SURPLUS)
        .order_by()
        .values("order", "payment_no", "currency")
        .annotate(came=Sum("amount"), back=Coalesce(Subquery(went_back), 0))
        .filter(came__gt=F("back"))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFigures:
    """What waits on the order side."""

    closing: int  # closings that stand still
    closing_since: dt.datetime | None
    notifications_waiting: int
    notifications_late_at: dt.datetime | None  # when the longest waiting one was written
    notifications_failed: int


def order_figures(*, now: dt.datetime) -> OrderFigures:
    """Three short queries."""
    began_at = Coalesce("cancel_asked_at", "close_asked_at")
    closing = Order.objects.filter(status__in=WANTS_MONEY).annotate(began_at=began_at)
    still = closing.filter(began_at__lte=now - STANDS_STILL)
    waiting = Notification.objects.filter(state=NotificationState.WAITING, endpoint__active=True)
    failed = Notification.objects.filter(state=NotificationState.FAILED)
    closings, closing_since = _count_and_oldest(still, "began_at")
    notifications, waiting_since = _count_and_oldest(waiting, "created_at", sort=False)
    return OrderFigures(
        closing=closings,
        closing_since=closing_since,
        notifications_waiting=notifications,
        notifications_late_at=waiting_since,
        notifications_failed=failed.order_by()[:CAP].count(),
    )


def _count_and_oldest(
    rows: QuerySet[Any], at: str, *, sort: bool = True
) -> tuple[int, dt.datetime | None]:
    """Unsorted, where a million may wait: beyond `CAP` the oldest is then one of the old."""
    found = rows.order_by(*[at] if sort else [])[:CAP].aggregate(count=Count("pk"), at=Min(at))
    return found["count"], found["at"]
