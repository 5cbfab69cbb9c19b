"""Waking workers. A wake-up is never the record: the row is, so a lost one costs only time.

Published after the commit of the row, by task name, since the domains know no worker. A broker that
is down costs one failed try, then nothing for a few seconds; beat's tasks read the same rows.
"""

import datetime as dt
import math

import structlog
from celery import current_app
from django.core.cache import cache
from django.db import transaction

from common.breaker import Breaker
from common.kill_points import reach

log = structlog.get_logger(__name__)

AHEAD = 60.0  # seconds: later wake-ups are announced by beat when their time comes near
EXPIRES = 60.0  # seconds after its time at which a wake-up is worthless

breaker = Breaker()


def announce_on_commit(*, task: str, due_at: dt.datetime, now: dt.datetime) -> None:
    """Wake a worker when `due_at` has come, once the row that says so is committed."""

    def announce_it() -> None:  # a def, not a partial: Django 5.2 logs `func.__qualname__`
        announce(task=task, due_at=due_at, now=now)

    transaction.on_commit(announce_it, robust=True)


def wake_on_commit(*, task: str) -> None:
    """Wake a worker as soon as the rows are committed."""

    def wake_it() -> None:
        wake(task=task)

    transaction.on_commit(wake_it, robust=True)


def announce(*, task: str, due_at: dt.datetime, now: dt.datetime) -> None:
    """Publish the wake-up of a second, unless it is far away or announced already."""
    wait = (due_at - now).total_seconds()
    if wait > AHEAD:
        return
    if wait <= 0:
        wake(task=task)
        return
    second = math.ceil(due_at.timestamp())
    if _is_first(f"wake:{task}:{second}", ttl=int(wait) + 10):
        eta = dt.datetime.fromtimestamp(second, dt.UTC)
        _publish(task, eta=eta, expires=eta + dt.timedelta(seconds=EXPIRES))


def wake(*, task: str) -> None:
    """Wake a worker at once, unless such a wake-up is under way.

    However many rows become due while no worker runs, the broker holds one message for them. A row
    is committed before this, and a worker says `woken` before it looks: so a message that is under
    way finds it. One that was lost is made up for by beat, which sends the same tasks.
    """
    if _is_first(_pending(task), ttl=int(EXPIRES)):
        _publish(task, expires=EXPIRES)


def woken(*, task: str) -> None:
    """A worker has taken a wake-up and now looks for due rows: who comes later must wake anew."""
    if breaker.is_open:
        return
    try:
        cache.delete(_pending(task))
    except Exception as error:  # noqa: BLE001  (then its time runs out)
        log.warning("cache_unavailable", error=repr(error))


def _pending(task: str) -> str:
    return f"wake:pending:{task}"


def _is_first(key: str, *, ttl: int) -> bool:
    """Claim a wake-up; when the cache is down, send it anyway."""
    if breaker.is_open:
        return False
    try:
        return cache.add(key, 1, timeout=ttl)
    except Exception as error:  # noqa: BLE001  (whatever the cache's trouble, the wake-up goes out)
        log.warning("cache_unavailable", error=repr(error))
        return True


def _publish(task: str, **options: object) -> None:
    if breaker.is_open:
        return
    reach("wake.publishing")
    try:
        current_app.signature(task).apply_async(**options)
    except Exception as error:  # noqa: BLE001  (the row is the retry: a request must never fail here)
        breaker.trip()
        log.warning("wake_up_not_published", task=task, error=repr(error))
