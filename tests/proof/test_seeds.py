"""The simulator's seeds: each is played twice, and must tell the same story, without a fault.

`python -m proof.simulator 1-1000` plays more. A seed that fails is written to
`proof/simulator/seeds.txt`, and is played before all others from then on.
"""

from pathlib import Path

import pytest

from proof import simulator
from proof.simulator.clock import EVENING, START
from proof.simulator.play import play
from proof.simulator.world import Plan

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]

BLOCKS, SEEDS, ORDERS = 6, 1, 20


def failed_once():
    """Seeds that have found something, with the number of orders that they had then."""
    text = (Path(simulator.__file__).parent / "seeds.txt").read_text()
    lines = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    return [(int(seed), int(orders)) for seed, orders, *_ in lines]


def play_twice(seed, orders):
    plan = Plan(orders=orders, receiver=seed % 3 == 0, begins=EVENING if seed % 2 else START)
    first = play(seed, plan=plan)
    assert first.violation is None, first.tell()

    again = play(seed, plan=plan)

    assert again.digest == first.digest


@pytest.mark.parametrize(("seed", "orders"), failed_once())
def test_what_has_failed_once_holds(seed, orders):
    play_twice(seed, orders)


@pytest.mark.parametrize("block", range(BLOCKS))
def test_no_seed_loses_or_doubles_money(block):
    for seed in range(1000 + block * SEEDS, 1000 + (block + 1) * SEEDS):
        play_twice(seed, ORDERS)
