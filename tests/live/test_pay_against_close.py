"""The shopper pays in the same moment in which the shop closes, two hundred times."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.live.world import eventually

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]
RACES = 200
AT_ONCE = 8
# What payment and order may say, by whether the wallet took the money.
CONSISTENT = {
    True: {("succeeded", "paid"), ("succeeded", "refunded")},
    False: {("closed", "cancelled")},
}


def race(world, number):
    """One order, paid and cancelled at once; the shop has the longer way to the wallet."""
    purchase = world.buy()
    barrier = threading.Barrier(2)

    def pay():
        barrier.wait(timeout=30)
        time.sleep((number % 50 / 50) ** 3 * 1.5)  # most at once, some late on a busy machine
        return purchase.shopper("pay")

    def cancel():
        barrier.wait(timeout=30)
        return purchase.cancel()

    with ThreadPoolExecutor(2) as pool:
        paying, cancelling = pool.submit(pay), pool.submit(cancel)
        return purchase, paying.result() == 200, cancelling.result()


def test_every_outcome_of_two_hundred_races_is_consistent(world):
    with ThreadPoolExecutor(AT_ONCE) as pool:
        raced = list(pool.map(race, [world] * RACES, range(RACES)))

    def odd_ones():
        """Those that have not ended, or ended in a way that can't be."""
        ledger = world.ledger()
        ends = {purchase.payment_no: purchase.outcome() for purchase, _, _ in raced}
        return {
            number: (ends[number], ledger[number]["state"])
            for number in ends
            if ends[number][:2] not in CONSISTENT[ledger[number]["captured"] > 0]
        }

    assert eventually(odd_ones, {}, patience=90)
    ledger = world.ledger()
    took = Counter(ledger[purchase.payment_no]["captured"] for purchase, _, _ in raced)
    assert set(took) <= {0, 12900}
    for purchase, was_taken, _ in raced:
        assert was_taken == (ledger[purchase.payment_no]["captured"] > 0)
    print(f"of {RACES} races the shopper won {took[12900]} and the shop {took[0]}")  # noqa: T201
    assert took[0] > 0
    assert took[12900] > 0
