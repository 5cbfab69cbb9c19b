"""What a bug has to get past: each tier in a small dose."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from proof.mutants.mutant import Mutant

SEEDS = 12  # of each pair of the race finder
WORLDS = ("1", "2")  # seeds of the simulator
ORDERS = 20  # in each of them

_PYTEST = [
    *(sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"),
    *("--reuse-db", "--no-migrations", "-o", "addopts=--import-mode=importlib"),
]


@dataclass(frozen=True, slots=True)
class Tier:
    """`command` is None where the tier has nothing to run. It exits with 1 where it finds a bug."""

    name: str
    command: Callable[[Mutant, Path], list[str] | None]


def _tests(bug: Mutant, _root: Path) -> list[str]:
    return [*_PYTEST, *bug.tests]


def _races(_bug: Mutant, _root: Path) -> list[str]:
    return [sys.executable, "-m", "proof.races", "--seeds", str(SEEDS), "--exit-first"]


def _simulator(_bug: Mutant, _root: Path) -> list[str]:
    return [sys.executable, "-m", "proof.simulator", *WORLDS, "--orders", str(ORDERS)]


def _in(pattern: str) -> Callable[[Mutant, Path], list[str] | None]:
    """The tests of a tier that has its own files in tests/proof/."""

    def command(_bug: Mutant, root: Path) -> list[str] | None:
        files = sorted(root.glob(f"tests/proof/{pattern}"))
        return [*_PYTEST, *(str(path.relative_to(root)) for path in files)] if files else None

    return command


TIERS = (
    Tier("tests", _tests),
    Tier("T1", _in("test_pure*.py")),
    Tier("T2", _simulator),
    Tier("T3", _races),
)
