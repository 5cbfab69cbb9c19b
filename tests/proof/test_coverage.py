"""A fault that met no payment, or a point at which nobody died, proves nothing.

Here every fault is on, at a part of its intensity; the seeds choose among them.
"""

from random import Random

import pytest

from common import kill_points
from proof.simulator.coverage import REQUIRED, STATES, Coverage, missing, table
from proof.simulator.faults import FAULTS, Swarm
from proof.simulator.play import play
from proof.simulator.world import Plan

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]

SEEDS = range(1, 9)


@pytest.fixture(scope="module")
def seen():
    return Coverage(), set()


def test_every_fault_meets_payments_and_every_point_kills(seen):
    coverage, points = seen

    for seed in SEEDS:
        swarm = Swarm.of_all(Random(seed), 0.3)
        outcome = play(seed, plan=Plan(orders=25, receiver=True), swarm=swarm)
        assert outcome.violation is None, outcome.tell()
        coverage.add(outcome.coverage)
        points |= outcome.points.keys()

    assert missing(coverage.seen, REQUIRED) == [], table(coverage.seen)
    assert {fault for fault, _ in coverage.seen} == FAULTS.keys()
    assert {state for _, state in coverage.seen} >= set(STATES)
    assert points == kill_points.POINTS
