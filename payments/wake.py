"""Waking workers. A wake-up is never the record: the row is, so a lost one costs only time.

Published after the commit of the row, by task name, since payments knows no worker. A broker that
is down costs one failed try, then nothing for `BREAKER_SECONDS`; the sweep reads the same rows.
"""

import datetime as dt
import math
import time

import structlog
from celery import current_app
from django.core.cache import cache
from django.db import transaction

log = structlog.get_logger(__name__)

CONSULT_DUE = "workers.consult_due"
RELAY_DUE = "workers.relay_due"
TASK_NAMES = (CONSULT_DUE, RELAY_DUE)

AHEAD = 60.0  # seconds: later wake-ups are announced by beat when their time comes near
EXPIRES = 60.0  # seconds after its time at which a wake-up is worthless
BREAKER_SECONDS = 5.0

_quiet_until = 0.0


def consult_on_commit(*, due_at: dt.datetime, now: dt.datetime) -> None:
    """Wake a worker when `due_at` has come, once the row that says so is committed."""

    def announce() -> None:  # a def, not a partial: Django 5.2 logs `func.__qualname__`
        announce_consult(due_at=due_at, now=now)

    transaction.on_commit(announce, robust=True)


def relay_on_commit() -> None:
    """Wake the relay as soon as the events are committed."""

    transaction.on_commit(wake_relay, robust=True)


def wake_relay() -> None:
    """Wake the relay at once, unless a wake-up of it is under way."""
    _publish_once(RELAY_DUE)


def woken(name: str) -> None:
    """A worker has taken a wake-up and now looks for due rows: who comes later must wake anew."""
    if _broken():
        return
    try:
        cache.delete(_pending(name))
    except Exception as error:  # noqa: BLE001  (then its time runs out)
        log.warning("cache_unavailable", error=repr(error))


def announce_consult(*, due_at: dt.datetime, now: dt.datetime) -> None:
    """Publish the wake-up of a second, unless it is far away or announced already."""
    wait = (due_at - now).total_seconds()
    if wait > AHEAD:
        return
    if wait <= 0:
        _publish_once(CONSULT_DUE)
        return
    second = math.ceil(due_at.timestamp())
    if _is_first(f"wake:{second}", ttl=int(wait) + 10):
        eta = dt.datetime.fromtimestamp(second, dt.UTC)
        _publish(CONSULT_DUE, eta=eta, expires=eta + dt.timedelta(seconds=EXPIRES))


def _publish_once(name: str) -> None:
    """However many rows become due while no worker runs, the broker holds one message for them.

    A row is committed before this, and a worker says `woken` before it looks: so a message that is
    under way finds it. One that was lost is made up for by beat, which sends the same tasks.
    """
    if _is_first(_pending(name), ttl=int(EXPIRES)):
        _publish(name, expires=EXPIRES)


def _pending(name: str) -> str:
    return f"wake:pending:{name}"


def _is_first(key: str, *, ttl: int) -> bool:
    """Claim a wake-up; when the cache is down, send it anyway."""
    if _broken():
        return False
    try:
        return cache.add(key, 1, timeout=ttl)
    except Exception as error:  # noqa: BLE001  (whatever the cache's trouble, the wake-up goes out)
        log.warning("cache_unavailable", error=repr(error))
        return True


def _publish(name: str, **options: object) -> None:
    global _quiet_until  # noqa: PLW0603  (one breaker a process)
    if _broken():
        return
    try:
        current_app.signature(name).apply_async(**options)
    except Exception as error:  # noqa: BLE001  (the row is the retry: a request must never fail here)
        _quiet_until = time.monotonic() + BREAKER_SECONDS
        log.warning("wake_up_not_published", task=name, error=repr(error))


def _broken() -> bool:
    return time.monotonic() < _quiet_until
