"""The simulator itself: it plays the story that the project is about."""

import random

import pytest

from payments.states import Status
from proof.simulator.faults import Swarm
from proof.simulator.play import play
from proof.simulator.world import Plan

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]


def lost_callbacks():
    """A swarm in which no callback ever comes."""
    return Swarm(random.Random(1), {"F01": 1.0})


def test_what_no_callback_tells_is_found_by_asking():
    world = play(1, plan=Plan(orders=4), swarm=lost_callbacks()).world

    paid = [record for record in world.records.values() if record.taken_at]
    assert paid
    assert {world.statuses[record.payment_no] for record in paid} == {Status.SUCCEEDED}
    assert all(record.known_at for record in paid)
    assert "callback" not in {record.source for record in paid}
