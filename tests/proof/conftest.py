"""The shop on a stage of the race finder."""

import pytest

from proof.races.stage import stage as a_stage


@pytest.fixture
def stage():
    with a_stage() as built:
        yield built
