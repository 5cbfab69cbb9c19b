"""What a bug has to get past: each tier in a small dose."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from proof.mutants.mutant import Mutant

SEEDS = 8  # of each pair of the race finder
WORLDS = "1-3"  # seeds of the simulator
ORDERS = 20  # in each of them
PURE = "1-10"  # worlds in memory, of 60 orders

_PYTEST = [
    *(sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"),
    *("--reuse-db", "--no-migrations", "-o", "addopts=--import-mode=importlib"),
]


@dataclass(frozen=True, slots=True)
class Tier:
    """`command` exits with 1 where it finds the bug."""

    name: str
    command: Callable[[Mutant, Path], list[str]]


def _tests(bug: Mutant, _root: Path) -> list[str]:
    return [*_PYTEST, *bug.tests]


def _races(_bug: Mutant, _root: Path) -> list[str]:
    return [sys.executable, "-m", "proof.races", "--seeds", str(SEEDS), "--exit-first"]


def _simulator(_bug: Mutant, _root: Path) -> list[str]:
    return [sys.executable, "-m", "proof.simulator", WORLDS, "--orders", str(ORDERS)]


def _pure(_bug: Mutant, _root: Path) -> list[str]:
    return [sys.executable, "-m", "proof.simulator", PURE, "--pure"]


TIERS = (
    Tier("tests", _tests),
    Tier("T1", _pure),
    Tier("T2", _simulator),
    Tier("T3", _races),
)
