"""The figures of the order side that need somebody's eyes."""

from dataclasses import dataclass

from django.db.models import Count, Sum

from orders.models import LedgerEntry
from orders.states import Entry


@dataclass(frozen=True, slots=True)
class Surplus:
    """Money that no order wanted, in one currency; `amount` in minor units."""

    currency: str
    payments: int
    amount: int


def surplus() -> list[Surplus]:
    """What is owed back, by currency."""
    sums = (
        LedgerEntry.objects.filter(entry=Entry.SURPLUS)
        .values("currency")
        .annotate(payments=Count("pk"), total=Sum("amount"))
        .order_by("currency")
    )
    return [Surplus(row["currency"], row["payments"], row["total"]) for row in sums]
