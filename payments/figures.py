"""The figures by which one sees at a glance whether payments are being learned about.

Each reads a partial index or the rows in the fog, and counts at most `CAP` rows.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import Min, QuerySet

from payments.models import Evidence, Payment, PaymentEvent
from payments.services.consulting import OVERDUE
from payments.states import IN_FOG, Verdict

CAP = 10_000
LOOK_BACK = dt.timedelta(days=7)
TO_LOOK_AT = (Verdict.FAILED, Verdict.ORPHAN, Verdict.CONTRADICTS)

__all__ = ["CAP", "LOOK_BACK", "OVERDUE", "TO_LOOK_AT", "Figures", "figures"]


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


def _count(rows: QuerySet[Any]) -> int:
    return rows.order_by()[:CAP].count()
