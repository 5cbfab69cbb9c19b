"""The admin's first page: is money being learned about, and if not, where does it wait?

Some fifteen short queries, none of which counts a whole table. It must render when Redis is down,
since that is when it is looked at.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from common.money import format_money
from orders.figures import surplus
from payments import health
from payments.channels.registry import get_label
from payments.figures import CAP, Figures, figures
from payments.services import rejected_today
from payments.timeline import describe_span

LATE = dt.timedelta(seconds=60)  # a queue whose oldest row has waited longer is in trouble
NAMES = {"beat": "Beat", "sweep": "Sweep", "relay": "Relay"}


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure and where to read more; `mood` is empty, `warn` or `bad`."""

    title: str
    figure: str
    note: str
    url: str = ""
    mood: str = ""


def fill(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's DASHBOARD_CALLBACK. Only who may view payments is told figures."""
    if not request.user.has_perm("payments.view_payment"):
        return context
    now = timezone.now()
    health_now = health.report(now=now)
    return {
        **context,
        "waiting": _waiting(figures(now=now), now),
        "trouble": [_surplus(), _rejected(now)],
        "alive": [*_servers(health_now), *_heartbeats(health_now)],
        "now": now,
    }


def _waiting(seen: Figures, now: dt.datetime) -> list[Tile]:
    payments = reverse("admin:payments_payment_changelist")
    evidence = reverse("admin:payments_evidence_changelist")
    events = reverse("admin:payments_paymentevent_changelist")
    return [
        Tile(
            "In the fog",
            _number(seen.in_fog),
            "may or may not have been paid",
            f"{payments}?waiting=fog",
        ),
        Tile(
            "Overdue consults",
            _number(seen.overdue),
            _oldest(seen.oldest_overdue_at, now),
            f"{payments}?waiting=overdue",
            _mood(seen.oldest_overdue_at, now),
        ),
        Tile(
            "Slow lane",
            _number(seen.slow_lane),
            "the schedule is used up",
            f"{payments}?waiting=slow",
            "warn" if seen.slow_lane else "",
        ),
        Tile(
            "Relay backlog",
            _number(seen.relay_waiting),
            _oldest(seen.relay_oldest_at, now) + _failing(seen.relay_failing),
            f"{events}?relay=waiting",
            "bad" if seen.relay_failing else _mood(seen.relay_oldest_at, now),
        ),
        Tile(
            "Evidence to look at",
            _number(seen.to_look_at),
            "failed, orphan, contradicting; 7 days",
            f"{evidence}?look_at=week",
            "warn" if seen.to_look_at else "",
        ),
    ]


def _surplus() -> Tile:
    sums = surplus()
    figure = " + ".join(format_money(each.amount, each.currency) for each in sums)
    count = sum(each.payments for each in sums)
    return Tile(
        "Surplus money",
        figure or "none",
        f"owed back, {count} payment{'' if count == 1 else 's'}" if count else "nothing owed back",
        f"{reverse('admin:orders_order_changelist')}?money=surplus",
        "warn" if count else "",
    )


def _rejected(now: dt.datetime) -> Tile:
    title = "Callbacks refused today"
    try:
        counts = {name: count for name, count in rejected_today(now=now).items() if count}
    except Exception:  # noqa: BLE001  (the counter lives in the cache, and the page must render)
        return Tile(title, "unknown", "Redis does not answer", mood="warn")
    by_channel = ", ".join(f"{get_label(name)} {count}" for name, count in counts.items())
    note = by_channel or "wrong signature, or too old"
    return Tile(title, _number(sum(counts.values())), note, mood="warn" if counts else "")


def _servers(seen: dict[str, Any]) -> list[Tile]:
    return [
        Tile(title, seen[key], note, mood="" if seen[key] == "ok" else "bad")
        for key, title, note in (
            ("database", "PostgreSQL", "the record"),
            ("redis", "Redis", "wake-ups, push, counters"),
        )
    ]


def _heartbeats(seen: dict[str, Any]) -> list[Tile]:
    return [_heartbeat(name, seen["heartbeats"][name]) for name in seen["heartbeats"]]


def _heartbeat(name: str, beat: dict[str, Any]) -> Tile:
    age, mood = beat["age_seconds"], "bad" if beat["stale"] else ""
    limit = describe_span(dt.timedelta(seconds=health.STALE_AFTER[name]))
    figure = "never seen" if age is None else f"{describe_span(dt.timedelta(seconds=age))} ago"
    return Tile(
        NAMES.get(name, name),
        figure,
        f"stale after {limit}",
        reverse("admin:django_celery_beat_periodictask_changelist"),
        mood,
    )


def _number(count: int) -> str:
    return f"{count:,}+" if count >= CAP else f"{count:,}"


def _oldest(at: dt.datetime | None, now: dt.datetime) -> str:
    return f"oldest waits {describe_span(now - at)}" if at else "nothing waits"


def _failing(count: int) -> str:
    return f", {_number(count)} failing" if count else ""


def _mood(oldest_at: dt.datetime | None, now: dt.datetime) -> str:
    if oldest_at is None:
        return ""
    return "bad" if now - oldest_at > LATE else "warn"
