"""One running Nodrop for all live stories; after each of them no money is missing."""

from itertools import pairwise

import pytest

from tests.live.world import eventually, running

UNTOLD = "SELECT count(*) FROM payments_paymentevent WHERE relayed_at IS NULL"


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


@pytest.fixture
def killed_at(world):
    """Start the worker anew, so that it kills itself at a point; wait for that with `wait`."""

    class Killing:
        def arm(self, point):
            assert eventually(lambda: world.rows(UNTOLD), [(0,)])  # so that no older event is met
            world.parts.stop("worker")
            world.parts.env["NODROP_KILL_AT"] = point
            world.parts.start("worker", restart=False)

        def wait(self):
            assert eventually(lambda: world.parts.deaths("worker"), 1)
            self.disarm()
            world.leases_are_over()

        def disarm(self):
            if world.parts.env.pop("NODROP_KILL_AT", None):
                world.parts.start("worker")

    killing = Killing()
    yield killing
    killing.disarm()


@pytest.fixture
def dying_at(world):
    """The worker dies at each of some points, and is started anew to die at the next one.

    `for point in dying_at(points)` gives it something to do at each of them; what it had left
    undone at the point before is due again, and may be what it dies of.
    """

    def next_pid(pid):
        assert eventually(lambda: world.parts.pid("worker") != pid)
        world.leases_are_over()
        return world.parts.pid("worker")

    def dying(points):
        assert eventually(lambda: world.rows(UNTOLD), [(0,)])  # so that no older event is met
        pid = world.parts.pid("worker")
        world.parts.env["NODROP_KILL_AT"] = points[0]
        world.parts.kill("worker")
        for point, then in pairwise([*points, ""]):
            pid = next_pid(pid)
            world.parts.env["NODROP_KILL_AT"] = then  # for the one after this
            yield point
        next_pid(pid)
        world.parts.wait("worker")

    yield dying
    world.parts.env.pop("NODROP_KILL_AT", None)
