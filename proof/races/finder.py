"""Plays a pair under one seed after another, and keeps those that break a rule."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from proof.races.baton import Step
from proof.races.invariants import broken
from proof.races.pairs import Pair
from proof.races.rest import come_to_rest
from proof.races.stage import Stage
from proof.races.strategies import strategy_of


@dataclass(frozen=True, slots=True)
class Interleaving:
    """One seed of a pair: who did what in which order, and what it broke."""

    pair: str
    seed: int
    labels: Sequence[str]
    steps: Sequence[Step]
    results: dict[str, object]
    broken: Sequence[str]
    waits: int
    deadlocks: int


@dataclass(slots=True)
class Exploration:
    """What came of all seeds of a pair."""

    pair: str
    seeds: int = 0
    seconds: float = 0.0
    different: set[tuple[Step, ...]] = field(default_factory=set)
    waits: int = 0
    deadlocks: int = 0
    finds: list[Interleaving] = field(default_factory=list)

    def count(self, played: Interleaving) -> None:
        self.seeds += 1
        self.different.add(tuple(played.steps))
        self.waits += played.waits
        self.deadlocks += played.deadlocks
        if played.broken:
            self.finds.append(played)


def explore(
    stage: Stage,
    pair: Pair,
    seeds: Iterable[int],
    *,
    depth: int | None = None,
    stop_at_first: bool = True,
) -> Exploration:
    """Play the seeds; by default until one of them breaks something."""
    found = Exploration(pair.name)
    started = time.monotonic()
    with pair.conditions():
        prepare(stage, pair)
        for seed in seeds:
            played = play(stage, pair, seed, depth=depth)
            found.count(played)
            if played.broken and stop_at_first:
                break
    found.seconds = time.monotonic() - started
    return found


def prepare(stage: Stage, pair: Pair) -> None:
    stage.empty()
    pair.set_up(stage)
    stage.keep()


def play(stage: Stage, pair: Pair, seed: int, *, depth: int | None = None) -> Interleaving:
    """One interleaving, from the pair's beginning until all is at rest."""
    stage.put_back()
    parts = pair.parts(stage)
    labels = list(parts)
    run = stage.crew.play(list(parts.values()), strategy_of(seed, depth=depth))
    results = {label: run.results[number] for number, label in enumerate(labels)}
    wrong = _judge(stage, pair, results)
    return Interleaving(
        pair.name, seed, labels, run.steps, results, wrong, run.waits, run.deadlocks
    )


def _judge(stage: Stage, pair: Pair, results: dict[str, object]) -> Sequence[str]:
    """What is wrong once the shop has come to rest, where nothing is left to chance or seeds.

    So those that leave the same rows, the same channels and the same answers come to rest alike,
    and that is played once for them all.
    """
    end = f"{stage.how_it_is()} {results}"
    if end not in stage.judged:
        come_to_rest(stage)
        stage.judged[end] = [*pair.check(stage, results), *broken(stage)]
    return stage.judged[end]
