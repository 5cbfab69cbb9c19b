"""The pure shop: it keeps every rule in the swarm's weather."""

import pytest

from proof.simulator.pure.play import play, tell
from proof.simulator.world import Plan

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("seed", range(1, 4))
def test_a_swarm_of_faults_breaks_no_rule(seed):
    world, violation = play(seed, plan=Plan(orders=60))

    assert violation is None, tell(world, violation)
    assert len(world.records) >= 50
