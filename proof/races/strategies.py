"""Who runs next. The seed decides, and nothing else."""

import random
from collections.abc import Sequence
from typing import Protocol

DEPTH = 3  # orderings that a race may need: two preemptions
STEPS = 48  # about as long as the pairs are
SPEEDS = (1, 1, 2, 4)


class Strategy(Protocol):
    def choose(self, ready: Sequence[int], running: int | None) -> int:
        """One of those that may go on; `running` is who had the last step."""
        ...


class Walk:
    """Anybody, at each step: many short turns. Some parts are slow, so that their ends meet too."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(f"walk {seed}")
        self._speeds: dict[int, int] = {}

    def choose(self, ready: Sequence[int], running: int | None) -> int:
        for part in ready:
            self._speeds.setdefault(part, self._rng.choice(SPEEDS))
        return self._rng.choices(ready, [self._speeds[part] for part in ready])[0]


class Pct:
    """Long turns and few preemptions: probabilistic concurrency testing.

    The parts have random priorities, and the highest runs; at `depth - 1` random steps the one that
    runs falls to the lowest. Burckhardt et al., https://doi.org/10.1145/1736020.1736040
    """

    def __init__(self, seed: int, *, depth: int = DEPTH, steps: int = STEPS) -> None:
        self._rng = random.Random(f"pct {seed} {depth}")
        self._falls = set(self._rng.sample(range(1, steps), depth - 1))
        self._priorities: dict[int, float] = {}
        self._step = 0

    def choose(self, ready: Sequence[int], running: int | None) -> int:
        for part in ready:
            self._priorities.setdefault(part, self._rng.random())
        self._step += 1
        if self._step in self._falls and running is not None:
            self._priorities[running] = -self._step
        return max(ready, key=lambda part: self._priorities[part])


def strategy_of(seed: int, *, depth: int | None = None) -> Strategy:
    """Even seeds walk, odd ones preempt seldom; a `depth` makes all of them do the latter."""
    if depth is None and seed % 2 == 0:
        return Walk(seed)
    return Pct(seed, depth=depth or DEPTH)
