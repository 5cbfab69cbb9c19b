"""One running Nodrop for all live stories; after each of them no money is missing."""

import pytest

from tests.live.world import eventually, running


@pytest.fixture(scope="session")
def the_world(tmp_path_factory):
    with running(tmp_path_factory.mktemp("live")) as world:
        yield world


@pytest.fixture
def world(the_world):
    """Clean switches before each story; what the wallet took is what we recorded after it."""
    the_world.wallet("DELETE", "/faults")
    yield the_world
    the_world.wallet("DELETE", "/faults")
    eventually(the_world.discrepancies, [])
    eventually(the_world.unbalanced, [])
