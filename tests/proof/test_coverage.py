"""A fault that met no payment proves nothing, and neither does a crash point where nobody died.

Here every fault is on, at a part of its intensity; what could be missed by chance strikes at its
first chance, and whoever comes by a crash point first dies there.
"""

from pathlib import Path
from random import Random

import pytest

from common.kill_points import POINTS
from proof.simulator.clock import EVENING, START
from proof.simulator.coverage import REQUIRED, STATES, Coverage, missing, table
from proof.simulator.faults import FAULTS, Swarm
from proof.simulator.play import play
from proof.simulator.world import Plan

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[2]
HOUR = 3600.0
# The second one meets midnight, and storms for as long as the day's statements may be late.
WORLDS = ((1, START, HOUR), (2, EVENING, 9 * HOUR))
SELDOM = ["F18", "F20", "F23", "F34", "F50", "F52s"]
# Where the simulator can't come by, and the test that dies there instead.
ELSEWHERE = {
    # The simulator's shop has no way to shoppers: its orders have no e-mail address.
    "message.sent": "tests/orders/messages/test_messages.py",
}


@pytest.fixture(scope="module")
def outcomes(django_db_setup, django_db_blocker):
    played = []
    with django_db_blocker.unblock():
        for seed, begins, storm in WORLDS:
            swarm = Swarm.of_all(Random(seed), 0.3)
            swarm.armed.extend(SELDOM)
            plan = Plan(orders=40, receiver=True, begins=begins, storm=storm, deadly=POINTS)
            played.append(play(seed, plan=plan, swarm=swarm))
    return played


def test_faults_meet_payments_in_the_states_that_they_must(outcomes):
    coverage = Coverage()

    for outcome in outcomes:
        assert outcome.violation is None, outcome.tell()
        coverage.add(outcome.coverage)

    assert missing(coverage.seen, REQUIRED) == [], table(coverage.seen)
    assert {fault for fault, _ in coverage.seen} <= FAULTS.keys()
    assert {state for _, state in coverage.seen} >= set(STATES)


def test_a_process_has_died_at_every_crash_point(outcomes):
    died_at = {point for outcome in outcomes for point in outcome.points}

    assert POINTS - died_at == ELSEWHERE.keys()


@pytest.mark.parametrize("point", ELSEWHERE)
def test_a_point_that_the_simulator_misses_has_a_test_of_its_own(point):
    assert f'"{point}"' in (ROOT / ELSEWHERE[point]).read_text()
