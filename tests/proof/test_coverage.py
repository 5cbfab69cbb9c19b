"""A fault that met no payment proves nothing.

Here every fault is on, at a part of its intensity; the seeds choose among them.
"""

from random import Random

import pytest

from proof.simulator.coverage import REQUIRED, STATES, Coverage, missing, table
from proof.simulator.faults import FAULTS, Swarm
from proof.simulator.play import play
from proof.simulator.world import Plan

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]

SEEDS = (1, 2)


def test_faults_meet_payments_in_the_states_that_they_must():
    coverage = Coverage()

    for seed in SEEDS:
        swarm = Swarm.of_all(Random(seed), 0.3)
        outcome = play(seed, plan=Plan(orders=25, receiver=True), swarm=swarm)
        assert outcome.violation is None, outcome.tell()
        coverage.add(outcome.coverage)

    assert missing(coverage.seen, REQUIRED) == [], table(coverage.seen)
    assert {fault for fault, _ in coverage.seen} <= FAULTS.keys()
    assert {state for _, state in coverage.seen} >= set(STATES)
