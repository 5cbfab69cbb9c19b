"""The pure shop: it keeps every rule in the swarm's weather, and ends as the real one does."""

import random
from collections import Counter

import pytest

from orders.models import Order
from proof.simulator.faults import Swarm
from proof.simulator.play import play as play_real
from proof.simulator.pure.play import play, tell
from proof.simulator.world import Plan

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("seed", range(1, 4))
def test_a_swarm_of_faults_breaks_no_rule(seed):
    world, violation = play(seed, plan=Plan(orders=60))

    assert violation is None, tell(world, violation)
    assert len(world.statuses) >= 40


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
