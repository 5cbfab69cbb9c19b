"""Raising alerts and resolving them: each is a row for people and a line in the log."""

import datetime as dt
from collections.abc import Collection, Mapping

import structlog
from django.db import connection

from alerts.models import Alert

log = structlog.get_logger(__name__)


class AlreadyResolved(Exception):
    """This alert is resolved already."""


def raise_alert(
    event: str, *, subject: str = "", detail: str = "", now: dt.datetime, **more: object
) -> None:
    """Log `event` (`alert.…`) and keep one open row for this kind and subject, however often.

    Belongs into the transaction of the fact that it tells of. `more` goes to the log alone.
    """
    log.error(event, subject=subject, detail=detail, **more)
    kind = event.removeprefix("alert.")
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO alerts_alert (kind, subject, detail, raised_at, seen_at, times,
                resolved_by, resolution)
            VALUES (%s, %s, %s, %s, %s, 1, '', '')
            ON CONFLICT (kind, subject) WHERE resolved_at IS NULL DO UPDATE
                SET times = alerts_alert.times + 1, seen_at = EXCLUDED.seen_at,
                    detail = EXCLUDED.detail
            """,
            [kind, subject[:160], detail, now, now],
        )


def resolve_alert(*, alert_id: int, reason: str, actor: str, now: dt.datetime) -> Alert:
    """A person says what was done. Raises `AlreadyResolved`; `ValueError` without a reason."""
    if not reason.strip():
        raise ValueError("say what was done about it")
    done = Alert.objects.filter(pk=alert_id, resolved_at=None).update(
        resolved_at=now, resolved_by=actor, resolution=reason.strip()[:200]
    )
    if not done:
        raise AlreadyResolved(AlreadyResolved.__doc__)
    return Alert.objects.get(pk=alert_id)


def withdraw_alert(event: str, *, subject: str, why: str, now: dt.datetime) -> bool:
    """What it told of has healed; returns whether such an alert was open."""
    alert = Alert.objects.filter(
        kind=event.removeprefix("alert."), subject=subject[:160], resolved_at=None
    )
    return bool(alert.update(resolved_at=now, resolution=why))


def withdraw_all_but(event: str, *, subjects: Collection[str], now: dt.datetime) -> int:
    """Whoever looks at everything of a kind says what is still so; the rest has healed."""
    open_ones = Alert.objects.filter(kind=event.removeprefix("alert."), resolved_at=None)
    healed = open_ones.exclude(subject__in=[subject[:160] for subject in subjects])
    return healed.update(resolved_at=now, resolution="healed")


def open_subjects(event: str) -> set[str]:
    """What the open alerts of a kind are about."""
    return open_subjects_of([event])[event]


def open_subjects_of(events: Collection[str]) -> dict[str, set[str]]:
    """What the open alerts of these kinds are about, by kind: one query for all of them."""
    kinds = {event.removeprefix("alert."): event for event in events}
    found: dict[str, set[str]] = {event: set() for event in events}
    open_ones = Alert.objects.filter(kind__in=kinds, resolved_at=None)
    for kind, subject in open_ones.values_list("kind", "subject"):
        found[kinds[kind]].add(subject)
    return found


def raise_all(event: str, *, details: Mapping[str, str], now: dt.datetime) -> None:
    """Whoever looks again and again raises what is so, by subject.

    Not what a person has resolved just so, as long as nothing about it has changed since.
    """
    for subject, detail in details.items():
        if not _is_settled_by_a_person(event, subject=subject, detail=detail):
            raise_alert(event, subject=subject, detail=detail, now=now)


def _is_settled_by_a_person(event: str, *, subject: str, detail: str) -> bool:
    alerts = Alert.objects.filter(kind=event.removeprefix("alert."), subject=subject[:160])
    last = alerts.order_by("-pk").first()
    return bool(last and last.resolved_by and last.detail == detail)
