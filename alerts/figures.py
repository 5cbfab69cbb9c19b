"""How many alerts are open, and of what."""

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field

from alerts.models import Alert

CAP = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAlerts:
    """The open ones by kind, `CAP` at the most, and since when the oldest is open."""

    by_kind: Counter[str] = field(default_factory=Counter)
    oldest_at: dt.datetime | None = None


def open_alerts() -> OpenAlerts:
    """One query, from the index of those that are open."""
    rows = Alert.objects.filter(resolved_at=None).order_by("raised_at")
    found = list(rows.values_list("kind", "raised_at")[:CAP])
    return OpenAlerts(
        by_kind=Counter(kind for kind, _ in found), oldest_at=found[0][1] if found else None
    )
