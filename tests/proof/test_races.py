"""The critical pairs, each in a hundred interleavings on a real PostgreSQL."""

import pytest

from proof.races.finder import explore
from proof.races.pairs import PAIRS
from proof.races.story import tell

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]
SEEDS = range(100)
DIFFERENT = 40  # interleavings of the hundred, at the least: else it is blind here


@pytest.mark.parametrize("name", PAIRS)
def test_no_interleaving_of_a_critical_pair_breaks_a_rule(name, stage):
    found = explore(stage, PAIRS[name](), SEEDS)

    assert not found.finds, tell(found.finds[0])
    assert found.seeds == len(SEEDS)
    assert len(found.different) >= DIFFERENT
    assert found.deadlocks == 0
