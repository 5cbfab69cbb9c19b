"""The figures by which one sees at a glance whether payments are being learned about.

Each reads a partial index or the rows in the fog, and counts at most `CAP` rows.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Min, Q, QuerySet

from payments.models import (
    Difference,
    Evidence,
    Payment,
    PaymentEvent,
    Refund,
    RefundEvent,
    Statement,
)
from payments.services.consulting import OVERDUE
from payments.states import IN_FOG, OPEN_REFUND, StatementState, Verdict

CAP = 10_000
LOOK_BACK = dt.timedelta(days=7)
TO_LOOK_AT = (Verdict.FAILED, Verdict.ORPHAN, Verdict.CONTRADICTS)

__all__ = [
    "CAP",
    "LOOK_BACK",
    "OVERDUE",
    "TO_LOOK_AT",
    "Figures",
    "RefundFigures",
    "figures",
    "missing_statements",
    "refund_figures",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Counts stop at `CAP`; the oldest of each queue is exact."""

    in_fog: int
    slow_lane: int
    overdue: int
    oldest_overdue_at: dt.datetime | None
    to_look_at: int
    relay_waiting: int
    relay_failing: int
    relay_oldest_at: dt.datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundFigures:
    """Refunds and statements; counts stop at `CAP`."""

    refunds_open: int
    refunds_slow: int
    refunds_oldest_at: dt.datetime | None
    relay_waiting: int
    relay_failing: int
    relay_oldest_at: dt.datetime | None
    differences_open: int
    differences_oldest_at: dt.datetime | None
    statements_missing: int


def figures(*, now: dt.datetime) -> Figures:
    """Eight short queries."""
    fog = Payment.objects.filter(status__in=IN_FOG)
    overdue = Payment.objects.filter(consult_due_at__lt=now - OVERDUE)
    waiting = PaymentEvent.objects.filter(relay_due_at__isnull=False)
    look_at = Evidence.objects.filter(verdict__in=TO_LOOK_AT, received_at__gt=now - LOOK_BACK)
    return Figures(
        in_fog=_count(fog),
        slow_lane=_count(fog.filter(slow_lane_at__isnull=False)),
        overdue=_count(overdue),
        oldest_overdue_at=overdue.aggregate(at=Min("consult_due_at"))["at"],
        to_look_at=_count(look_at),
        relay_waiting=_count(waiting),
        relay_failing=_count(waiting.filter(relay_failures__gt=0)),
        relay_oldest_at=waiting.aggregate(at=Min("occurred_at"))["at"],
    )


def refund_figures(*, now: dt.datetime) -> RefundFigures:
    """Six short queries."""
    under_way = Refund.objects.filter(status__in=OPEN_REFUND)
    waiting = RefundEvent.objects.filter(relay_due_at__isnull=False)
    refunds_open, refunds_oldest_at = _count_and_oldest(under_way, "created_at")
    relay_waiting, relay_oldest_at = _count_and_oldest(waiting, "occurred_at")
    unresolved = Difference.objects.filter(resolved_at=None)
    differences_open, differences_oldest_at = _count_and_oldest(unresolved, "found_at")
    return RefundFigures(
        refunds_open=refunds_open,
        refunds_slow=_count(under_way.filter(slow_lane_at__isnull=False)),
        refunds_oldest_at=refunds_oldest_at,
        relay_waiting=relay_waiting,
        relay_failing=_count(waiting.filter(relay_failures__gt=0)),
        relay_oldest_at=relay_oldest_at,
        differences_open=differences_open,
        differences_oldest_at=differences_oldest_at,
        statements_missing=_count(Statement.objects.filter(missing_statements(now))),
    )


def missing_statements(now: dt.datetime) -> Q:
    """Statements that should be there: ready by the channel's own promise, and not compared."""
    is_late = Q(due_at__lt=now) | Q(tries__gt=0)
    return is_late & Q(due_at__isnull=False) & ~Q(state=StatementState.COMPARED)


def _count(rows: QuerySet[Any]) -> int:
    return rows.order_by()[:CAP].count()


def _count_and_oldest(rows: QuerySet[Any], at: str) -> tuple[int, dt.datetime | None]:
    found = rows.order_by(at)[:CAP].aggregate(count=Count("pk"), at=Min(at))
    return found["count"], found["at"]
