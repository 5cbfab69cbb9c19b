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
# An order whose time is over cancels nothing: money that comes too late revives it.
IF_IT_EXPIRES = {True: {("succeeded", "paid")}, False: {("closed", "closed")}}


def race(world, number):
    """One order, paid and closed at once; the shop has the longer way to the wallet.

    Of every two orders one is cancelled by its shopper, and the other one's time is over.
    """
    purchase, expires = world.buy(), bool(number % 2)
    barrier = threading.Barrier(2)

    def pay():
        barrier.wait(timeout=30)
        # Most at once, some late on a busy machine; beat closes what has expired once a second.
        time.sleep((number % 50 / 50) ** 3 * (3 if expires else 1.5))
        return purchase.shopper("pay")

    def close():
        barrier.wait(timeout=30)
        return world.its_time_is_over(purchase) if expires else purchase.cancel()

    with ThreadPoolExecutor(2) as pool:
        paying, closing = pool.submit(pay), pool.submit(close)
        closing.result()
        return purchase, paying.result() == 200, expires


def test_every_outcome_of_two_hundred_races_is_consistent(world):
    with ThreadPoolExecutor(AT_ONCE) as pool:
        raced = list(pool.map(race, [world] * RACES, range(RACES)))

    def odd_ones():
        """Those that have not ended, or ended in a way that can't be."""
        ledger = world.ledger()
        ends = {bought.payment_no: (bought.outcome(), expires) for bought, _, expires in raced}
        return {
            number: (end, ledger[number]["state"])
            for number, (end, expires) in ends.items()
            if end[:2]
            not in (IF_IT_EXPIRES if expires else CONSISTENT)[ledger[number]["captured"] > 0]
        }

    assert eventually(odd_ones, {}, patience=90)
    ledger = world.ledger()
    for purchase, was_taken, _ in raced:
        assert ledger[purchase.payment_no]["captured"] == (12900 if was_taken else 0)
    won = Counter((expires, was_taken) for _, was_taken, expires in raced)
    print(f"(expires, the shopper won): {dict(won)}")  # noqa: T201
    assert len(won) == 4, "each side has won some races of each kind"
