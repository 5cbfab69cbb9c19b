"""The pure shop: it keeps every rule in the swarm's weather, and ends as the real one does."""

import random
from collections import Counter

import pytest

from orders.models import Order
from proof.simulator.clock import EVENING, START
from proof.simulator.coverage import REQUIRED, Coverage, missing, table
from proof.simulator.faults import Swarm
from proof.simulator.play import play as play_real
from proof.simulator.pure.play import play, tell
from proof.simulator.world import Plan

pytestmark = pytest.mark.timeout(300)


# What counts as a payment: a row of the shop, which is one attempt to pay one order at one channel,
# from its first event until all is quiet, a day or two later. Orders have 1.2 of them on average.
PAYMENTS, BLOCKS = 40_000, 8
SHARE = PAYMENTS // BLOCKS
STORMY = 600  # orders of a world in which any of the faults may be on


def play_block(block):
    """How many payments lived in one stormy world, and in as many fair ones as the share needs."""
    stormy = Plan(orders=STORMY, begins=EVENING if block % 2 else START)
    lives = play_well(f"stormy {block}", stormy, None)
    for number in range(100):
        orders = SHARE - lives
        if orders <= 0:
            break
        seed = f"fair {block}/{number}"
        fair = Plan(orders=orders, arrive_within=float(orders), storm=orders + 3000.0)
        lives += play_well(seed, fair, Swarm.of_few(random.Random(seed)))
    return lives


def play_well(seed, plan, swarm):
    world, violation = play(seed, plan=plan, swarm=swarm)
    assert violation is None, f"seed {seed!r}: {tell(world, violation)}"
    return len(world.statuses)


@pytest.mark.parametrize("block", range(BLOCKS))
def test_tens_of_thousands_of_payments_in_any_weather_break_no_rule(block):
    """Each block plays its share, so that workers can take turns."""
    assert SHARE * BLOCKS == PAYMENTS

    assert play_block(block) >= SHARE


def test_faults_meet_payments_in_the_states_that_they_must():
    coverage = Coverage()

    for seed, begins in ((1, START), (2, EVENING)):  # the second one meets a day's statement
        swarm = Swarm.of_all(random.Random(seed), 0.3)
        world, violation = play(seed, plan=Plan(orders=200, begins=begins), swarm=swarm)
        assert violation is None, tell(world, violation)
        coverage.add(world.coverage)

    assert missing(coverage.seen, REQUIRED) == [], table(coverage.seen)


def test_a_seed_tells_the_same_story_twice():
    one, two = (play(1, plan=Plan(orders=20))[0] for _ in range(2))

    assert one.trace.digest() == two.trace.digest()


def certain(*faults):
    """Faults that strike at each chance: what befalls a payment then depends on nobody's turn."""
    return Swarm(random.Random(1), dict.fromkeys(faults, 1.0))


def ends(world, orders):
    """By the key of its order: how it ended, with its payments and its money."""
    found = {}
    for order in world.system.views(world.system.all_orders()):
        statuses = Counter(payment.status for payment in order.payments)
        taken = sum(payment.captured_total for payment in order.payments)
        back = sum(payment.refund_total for payment in order.payments)
        found[orders[order.order_no]] = (order.status, order.total, statuses, taken, back)
    return found


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("faults", [(), ("F01",), ("F03", "F17")])
def test_it_ends_as_the_real_shop_does(faults):
    plan = Plan(orders=6, beats=1)

    pure, violation = play(5, plan=plan, swarm=certain(*faults))
    real = play_real(5, plan=plan, swarm=certain(*faults))

    keys = {order.order_no: key for key, order in pure.system.store.orders_by_key.items()}
    assert (violation, real.violation) == (None, None)
    real_keys = dict(Order.objects.values_list("order_no", "idempotency_key"))
    assert ends(pure, keys) == ends(real.world, real_keys)
