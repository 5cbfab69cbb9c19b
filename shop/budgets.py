"""How much one caller may ask in a minute, counted in Redis by all processes together.

When Redis is away nobody is refused: a limit must never stand between a shopper and her payment.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import redis
import structlog

from common.breaker import Breaker
from shop import volatile

WINDOW = 60  # seconds
_KEY = "nodrop.quota."

breaker = Breaker()

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Budget:
    """So many requests a minute for one caller."""

    name: str
    caller: str
    quota: int


@dataclass(frozen=True, slots=True)
class Spent:
    """What is left of a budget, and in how many seconds it is whole again."""

    budget: Budget
    left: int  # below zero: one too many
    resets_in: int


def spend(budgets: Sequence[Budget], *, now: float) -> list[Spent]:
    """Take one from each, in one round trip. Empty when Redis does not answer.

    `now` is in seconds since 1970.
    """
    if not budgets or breaker.is_open:
        return []
    window, gone = divmod(int(now), WINDOW)
    try:
        with volatile.client().pipeline(transaction=False) as work:
            for budget in budgets:
                key = f"{_KEY}{budget.name}.{budget.caller}.{window}"
                work.incr(key)
                work.expire(key, WINDOW)
            counts = work.execute()[::2]
    except redis.RedisError as error:
        breaker.trip()
        log.warning("budgets_not_counted", error=repr(error))
        return []
    return [
        Spent(budget, budget.quota - count, WINDOW - gone)
        for budget, count in zip(budgets, counts, strict=True)
    ]
