"""The pure shop in its world: the clock, the broker and the channels are the world's."""

import datetime as dt
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar

from django.conf import settings
from django.db import OperationalError

from common import kill_points
from proof.simulator.bank import Bank
from proof.simulator.world import World

T = TypeVar("T")
ROLES = ("web", "worker")


class Here:
    """Implements `proof.simulator.pure.store.Surroundings` over a world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._breaks = any(world.swarm.is_on(fault) for fault in ("F40", "F41", "F42"))

    def now(self) -> dt.datetime:
        return self._world.clock.now()

    def stopwatch(self) -> float:
        return self._world.clock.seconds()

    def publish(self, *, task: str, eta: dt.datetime | None, expires: dt.datetime | float) -> None:
        wakes = self._world.strategy.wakes
        if wakes is None or task in wakes:
            self._world.broker.publish(task=task, eta=eta, expires=expires)

    def add(self, key: str, timeout: float) -> bool:
        return self._world.broker.add(key, 1, timeout)

    def delete(self, key: str) -> None:
        self._world.broker.delete(key)

    def quiet_until(self) -> float:
        return self._world.process.quiet_until

    def be_quiet_until(self, at: float) -> None:
        self._world.process.quiet_until = at

    def task_broke(self, name: str, error: Exception) -> None:
        self._world.note("", f"{name} broke: {error!r}"[:200])

    def side_by_side(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        return self._world.side_by_side(calls)

    def begin(self) -> None:
        """As `proof.simulator.database` breaks it: nothing of the transaction is left."""
        if self._may_break() and (self._world.strikes("F42") or self._world.strikes("F40")):
            raise OperationalError("the transaction is gone")

    def commit(self) -> None:
        if self._may_break() and self._world.strikes("F41"):
            raise OperationalError("committed, and nobody hears of it")

    def _may_break(self) -> bool:
        world = self._world
        return self._breaks and not world.swarm.healed and world.process.role in ROLES


def banks_of(world: World) -> dict[str, Bank]:
    """The channels that the world's shoppers pay at."""
    return {
        "north": Bank(world, "north", not_found_final_after=600.0),
        "south": Bank(world, "south"),
    }


@contextmanager
def living(world: World, banks: Mapping[str, Bank]) -> Iterator[None]:
    """Inside, this world's pure shop finds this world's channels."""
    before = settings.NODROP_CHANNELS
    settings.NODROP_CHANNELS = {
        name: {"CLASS": "proof.simulator.channel.Edge", "OPTIONS": {"bank": bank}}
        for name, bank in banks.items()
    }
    # structlog asks for a level, and formats tracebacks even where logging is disabled.
    logger = logging.getLogger("payments")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with kill_points.acting(world.reach):
            yield
    finally:
        logger.setLevel(level)
        settings.NODROP_CHANNELS = before
