"""The simulator itself: it is deterministic, and it plays the story that the project is about."""

import random

import pytest

from payments.states import Status
from proof.simulator.faults import Swarm
from proof.simulator.real import RealShop, living
from proof.simulator.run import populate, run
from proof.simulator.world import Plan, World

pytestmark = pytest.mark.django_db(transaction=True)


def lost_callbacks(orders):
    """A world in which no callback ever comes."""
    swarm = Swarm(random.Random(1), {"F01": 1.0})
    return World(seed=1, build=RealShop, plan=Plan(orders=orders), swarm=swarm)


def test_what_no_callback_tells_is_found_by_asking():
    world = lost_callbacks(orders=3)

    with living(world):
        populate(world, world.system.banks)
        run(world)
        views = world.system.views(world.system.all_orders())

    paid = [record for record in world.records.values() if record.taken_at]
    assert len(paid) == sum(view.status == "paid" for view in views) > 0
    assert {world.statuses[record.payment_no] for record in paid} == {Status.SUCCEEDED}


def test_a_seed_tells_the_same_story_twice():
    digests = []

    for _ in range(2):
        world = lost_callbacks(orders=3)
        with living(world):
            populate(world, world.system.banks)
            run(world)
        digests.append(world.trace.digest())

    assert digests[0] == digests[1]
