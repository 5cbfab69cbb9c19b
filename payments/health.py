"""Whether the parts that a request needs are there, and when the others were last alive."""

import datetime as dt
from typing import Any

from django.core.cache import cache
from django.db import DatabaseError, transaction

from payments.models import Heartbeat

STALE_AFTER = {
    "beat": 90.0,
    "sweep": 180.0,
    "relay": 60.0,
    "watch": 180.0,
}  # seconds without a sign of life


def report(*, now: dt.datetime) -> dict[str, Any]:
    """`database` and `redis` as `ok` or `down`, and the seconds since each heartbeat."""
    try:
        with transaction.atomic():
            beats = {beat.name: beat.beat_at for beat in Heartbeat.objects.all()}
        database = "ok"
    except DatabaseError:
        beats, database = {}, "down"
    return {
        "database": database,
        "redis": "ok" if _redis_answers() else "down",
        "heartbeats": {name: _heartbeat(beats.get(name), name, now) for name in STALE_AFTER},
    }


def _heartbeat(beat_at: dt.datetime | None, name: str, now: dt.datetime) -> dict[str, Any]:
    age = None if beat_at is None else round((now - beat_at).total_seconds(), 1)
    return {"age_seconds": age, "stale": age is None or age > STALE_AFTER[name]}


def _redis_answers() -> bool:
    try:
        cache.get("readyz")
    except Exception:  # noqa: BLE001  (whatever its trouble is, Redis does not answer)
        return False
    return True
