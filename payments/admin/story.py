"""A story's entries with what only a page needs."""

from typing import Any

from django.db.models.functions import Length

from common.spans import describe_span
from payments.admin.base import VERDICT_COLOURS
from payments.admin.raw import readable_body
from payments.models import Evidence
from payments.timeline import Entry

LARGEST_INLINE = 8 * 1024  # bytes of a raw body shown inside the timeline
MOST_INLINE = 50


def dress(entries: list[Entry]) -> list[dict[str, Any]]:
    """The entries with colours, exact times and raw bodies; one query."""
    bodies = _bodies(entries)
    days = ["", *(f"{entry.at:%Y-%m-%d}" for entry in entries)]
    return [
        {
            "entry": entry,
            "at": f"{entry.at:%H:%M:%S}.{entry.at.microsecond // 1000:03}",
            "day": day if day != day_before else "",
            "gap": describe_span(entry.since_previous) if entry.since_previous else "",
            "verdict_colour": VERDICT_COLOURS.get(entry.verdict, "default"),  # type: ignore[call-overload]
            "body": bodies.get(entry.evidence_id or 0, ""),
        }
        for entry, day_before, day in zip(entries, days, days[1:], strict=False)
    ]


def _bodies(entries: list[Entry]) -> dict[int, str]:
    wanted = [entry.evidence_id for entry in entries if entry.evidence_id and entry.has_body]
    rows = Evidence.objects.filter(pk__in=wanted).annotate(size=Length("body"))
    small = rows.filter(size__lte=LARGEST_INLINE).order_by("-pk").only("body")[:MOST_INLINE]
    return {row.pk: readable_body(bytes(row.body)) for row in small}
