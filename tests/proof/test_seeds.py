"""The simulator's seeds: payments in the real shop, none lost and none doubled.

`python -m proof.simulator 1-1000` plays more. A seed that fails prints the line to add to
`proof/simulator/seeds.txt`, and is played before all others from then on.
"""

from itertools import count
from pathlib import Path

import pytest

from proof import simulator
from proof.simulator.play import plan_of, play

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]

LIFECYCLES = 120  # of payments; `make prove` plays some ten thousand
PARTS, ORDERS = 2, 50  # each part is a test of its own, so that workers share them
TWICE, FEW = (1001,), 20


def failed_once():
    """Seeds that have found something, with the number of orders that they had then."""
    text = (Path(simulator.__file__).parent / "seeds.txt").read_text()
    lines = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    return [(int(seed), int(orders)) for seed, orders, *_ in lines]


def play_soundly(seed, orders):
    outcome = play(seed, plan=plan_of(seed, orders))
    assert outcome.violation is None, f"{outcome.tell()}\n\n{outcome.keep()}"
    return outcome


@pytest.mark.parametrize(("seed", "orders"), [*failed_once(), *((seed, FEW) for seed in TWICE)])
def test_a_seed_holds_and_tells_the_same_story_twice(seed, orders):
    first, second = (play_soundly(seed, orders) for _ in range(2))

    assert first.digest == second.digest


@pytest.mark.parametrize("part", range(PARTS))
def test_of_all_these_payments_none_is_lost_or_doubled(part):
    seeds, lives = count(2000 + 100 * part), 0

    while PARTS * lives < LIFECYCLES:
        lives += play_soundly(next(seeds), ORDERS).lives

    assert PARTS * lives >= LIFECYCLES
