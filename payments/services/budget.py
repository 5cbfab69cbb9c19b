"""How often a channel may be asked: a budget that all processes share.

It is taken right before each call, so that a batch that was held up doesn't burst afterwards. It
stands in Redis as a moving window: never more than so many calls in any second (or what it says).
When Redis is away each process keeps to the same limit by itself: letting everything through would
meet the channel with a herd just when an outage ends, and holding everything back would make our
outage the shopper's. The channel's own 429 is the last guard.
"""

import datetime as dt
from functools import cache

import structlog
from django.conf import settings
from limits import RateLimitItem
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter

from common.breaker import Breaker
from payments.channels.registry import get_query_budget

log = structlog.get_logger(__name__)

LEAST_WAIT = 1.0  # seconds until what found no budget is due again
MOST_SPREAD = 120.0  # seconds over which a crowd of them is spread at the most
CROWD = 10_000  # beyond this, nobody counts how many wait

breaker = Breaker()


def spend(channel: str, *, calls: int = 1) -> bool:
    """Take so many calls of the channel's budget; False when not so much is left."""
    budget = get_query_budget(channel)
    if budget is None:
        return True
    calls = min(calls, budget.amount)  # else a small budget could never pay for them
    try:
        return _limiter().hit(budget, channel, cost=calls)
    except Exception as error:  # noqa: BLE001  (whatever Redis's trouble, the local limit holds)
        breaker.trip()  # each failed try would hold up a thread
        log.warning("budget_is_local", error=repr(error))
        return _local().hit(budget, channel, cost=calls)


def wait_for_budget(*, channel: str, waiting: int, chance: float) -> dt.timedelta:
    """How long one of `waiting` payments waits; `chance` from 0 to 1 spreads them.

    So long as the budget needs for all of them, so that they come back at the pace at which they
    can be asked about, and two minutes at the most.
    """
    budget = get_query_budget(channel)
    spread = min(waiting / _per_second(budget), MOST_SPREAD) if budget else 0.0
    return dt.timedelta(seconds=LEAST_WAIT + chance * spread)


def _per_second(budget: RateLimitItem) -> float:
    return budget.amount / budget.get_expiry()


def _limiter() -> MovingWindowRateLimiter:
    return _local() if breaker.is_open else _shared()


@cache
def _shared() -> MovingWindowRateLimiter:
    url = settings.REDIS_URL.replace("unix://", "redis+unix://")
    storage = RedisStorage(
        url, key_prefix="nodrop.budget", socket_timeout=1.0, socket_connect_timeout=0.5
    )
    return MovingWindowRateLimiter(storage)


@cache
def _local() -> MovingWindowRateLimiter:
    return MovingWindowRateLimiter(MemoryStorage())
