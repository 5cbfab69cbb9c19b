"""How much is polled, over all processes: the measure by which polling slows down.

Each process counts its polls, and once a second adds them to a sum in Redis and reads what all have
counted in the last five seconds. A poll counts for the pace that was asked of it: one that was told
to wait twice as long counts twice. So the sum says how much would be polled at the usual pace, and
slowing down doesn't hide the crowd that is the reason for it.

When Redis is away, a process goes by its own count.
"""

import threading
from collections import defaultdict

import redis
import structlog
from django.conf import settings

from shop.volatile import client

log = structlog.get_logger(__name__)

WINDOW = 5  # seconds
EXCHANGE = 1.0  # seconds between two exchanges with Redis
REST = 5.0  # the same after one that failed
MOST = 4.0  # times the usual wait: nobody waits longer than 40 s, and a fifth


class Load:
    """What one process knows of the polling; `now` is the clock's seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._own: defaultdict[int, float] = defaultdict(float)  # by window
        self._sent: defaultdict[int, float] = defaultdict(float)
        self._demand = 0.0  # polls of the last full window, of all
        self._exchange_at = 0.0

    def slow_down(self, *, now: float) -> float:
        """Count a poll, and say by how much it is to wait longer than usual: 1 to `MOST`."""
        with self._lock:
            if now > self._exchange_at + 2 * WINDOW:
                self._demand = 0.0  # nobody has polled here for a while: what it knows is old
            factor = self._factor()
            self._own[int(now // WINDOW)] += factor
            is_due = now >= self._exchange_at
            if is_due:
                self._exchange_at = now + EXCHANGE
        if is_due:
            self._exchange(int(now // WINDOW), now)
        return factor

    def _factor(self) -> float:
        per_second = self._demand / WINDOW
        return min(max(per_second / settings.POLLS_PER_SECOND, 1.0), MOST)

    def _exchange(self, window: int, now: float) -> None:
        with self._lock:
            fresh = {each: self._own[each] - self._sent[each] for each in (window - 1, window)}
        try:
            demand = _add(fresh, last=window - 1)
        except redis.RedisError as error:
            log.warning("load_is_local", error=repr(error))
            with self._lock:
                self._demand = self._own[window - 1]
                self._exchange_at = now + REST
            return
        with self._lock:
            self._demand = demand
            for each, count in fresh.items():
                self._sent[each] += count
            for counted in (self._own, self._sent):
                for old in [each for each in counted if each < window - 1]:
                    del counted[old]


def _add(fresh: dict[int, float], *, last: int) -> float:
    """Add what is new of each window; returns what all have counted in the `last` full one."""
    with client().pipeline(transaction=False) as work:
        for window, count in fresh.items():
            work.incrbyfloat(f"nodrop.polls.{window}", count)
            work.expire(f"nodrop.polls.{window}", 4 * WINDOW)
        work.get(f"nodrop.polls.{last}")
        *_, demand = work.execute()
    return float(demand)


polling = Load()
