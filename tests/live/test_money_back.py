"""Odd money in real processes, which are killed (SIGKILL) between any two steps: all ends well."""

import pytest

from tests.live.world import PAID_ONCE, eventually

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]
CLOSE = ["close.taken", "close.begun", "close.asked"]
ASK = ["close.queried", "close.closed", "close.queried_again"]
CLOSE += [*ASK, "settle.written", "consult.settled", "close.settled"]
REFUND = ["refund.requested", "refund.claimed", "refund.sent"]
REFUND += ["refund.stored", "refund.written", "refund.settled"]
CLOSED = ("closed", "closed", [], 0)
SENT_BACK = ("succeeded", "refunded", ["surplus", "refund"], 1)


def refunds(purchase):
    return purchase.world.rows(
        "SELECT r.status, r.reason, r.amount FROM payments_refund r"
        " JOIN payments_payment p ON p.id = r.payment_id WHERE payment_no = %s ORDER BY r.id",
        purchase.payment_no,
    )


def cancelled(world):
    """A cancelled order; the wallet may still take the money for it."""
    purchase = world.buy()
    assert purchase.cancel() in ("cancelled", "paying")
    assert eventually(lambda: purchase.outcome()[:2], ("closed", "cancelled"))
    return purchase


def test_a_worker_killed_at_each_step_of_a_close_has_closed_nothing_wrongly(world, dying_at):
    purchases = []

    for _point in dying_at([*CLOSE, "relay.handed_over"]):
        purchases.append(world.buy(lose_callback=1))
        world.its_time_is_over(purchases[-1])

    assert world.end_alike(*purchases, outcome=CLOSED)
    ledger = world.ledger()
    assert {ledger[each.payment_no]["state"] for each in purchases} == {"closed"}


@pytest.mark.parametrize("point", ["close.begun", "close.asked", "close.queried"])
def test_a_shopper_who_pays_while_the_closing_worker_is_dead_has_her_order(world, killed_at, point):
    purchase = world.buy(lose_callback=1)
    killed_at.arm(point)
    world.its_time_is_over(purchase)
    assert eventually(lambda: world.parts.deaths("worker"), 1)

    purchase.pay()
    killed_at.wait()

    assert world.end_alike(purchase, outcome=PAID_ONCE)


def test_a_worker_killed_at_each_step_of_a_refund_refunds_once(world, dying_at):
    points = [*REFUND, "relay.handed_over"]
    purchases = [cancelled(world) for _point in points]

    for point in dying_at(points):
        assert purchases[points.index(point)].shopper("pay_late") == 200

    assert world.end_alike(*purchases, outcome=SENT_BACK)
    ledger = world.ledger()
    for purchase in purchases:
        assert refunds(purchase) == [("succeeded", "late", 12900)]
        bill = ledger[purchase.payment_no]
        assert (bill["captured"], bill["refunded"]) == (12900, 12900)


def test_late_money_revives_an_order_that_had_expired(world):
    purchase = world.buy()
    world.its_time_is_over(purchase)
    assert world.end_alike(purchase, outcome=CLOSED)

    assert purchase.shopper("pay_late") == 200

    assert world.end_alike(purchase, outcome=PAID_ONCE)


def test_a_wallet_that_charges_twice_gives_the_second_charge_back(world):
    purchase = world.buy()
    purchase.pay()
    assert world.end_alike(purchase)

    assert purchase.shopper("charge_again") == 200

    wanted = ("succeeded", "paid", ["applied", "surplus", "refund"], 2)
    assert world.end_alike(purchase, outcome=wanted)
    assert refunds(purchase) == [("succeeded", "second", 12900)]


def test_a_refund_that_is_accepted_and_fails_is_made_again_by_the_watch(world):
    purchase = cancelled(world)
    purchase.faults(refund_fails_later={"probability": 1, "seconds": 1, "times": 1})
    assert purchase.shopper("pay_late") == 200
    assert eventually(lambda: [row[0] for row in refunds(purchase)], ["failed"])
    world.a_minute_passes()

    assert world.end_alike(purchase, outcome=SENT_BACK)
    assert [row[0] for row in refunds(purchase)] == ["failed", "succeeded"]


def test_a_refund_whose_answer_is_lost_is_made_once(world):
    purchase = cancelled(world)
    purchase.faults(timeout_after={"probability": 1, "operations": ["refund"], "times": 1})

    purchase.shopper("pay_late")

    assert world.end_alike(purchase, outcome=SENT_BACK)
    assert [row[0] for row in refunds(purchase)] == ["succeeded"]


def test_the_books_agree_and_nothing_is_owed_back(world):
    def books():
        held, sold, owed = world.books()
        return held == sold + owed, owed

    assert eventually(books, (True, 0))
