"""A wallet that times out, answers nonsense, or tells another amount."""

import pytest

from tests.live.world import eventually

pytestmark = [pytest.mark.live, pytest.mark.timeout(150)]
ONCE = {"probability": 1, "times": 1}


def test_a_creation_that_timed_out_after_the_charge_ends_as_a_paid_order(world):
    purchase = world.order()
    world.wallet("PUT", "/faults", json={"charge_then_timeout": 1, "lose_callback": 1})

    answer = purchase.start()

    assert (answer.status_code, answer.json()["status"]) == (202, "paying")
    assert world.end_alike(purchase)
    assert purchase.last_source() == "consult"


def test_a_creation_that_timed_out_is_replayed_by_the_next_tap_and_charged_once(world):
    purchase = world.order()
    world.wallet("PUT", "/faults", json={"create_then_timeout": ONCE})
    assert purchase.start().status_code == 202
    first = purchase.payment_no

    assert purchase.start().status_code == 201
    purchase.pay()

    assert purchase.payment_no == first
    assert world.end_alike(purchase)


def test_answers_that_are_none_end_nothing_and_the_next_consult_finds_the_money(world):
    troubles = [
        {"garbage": ONCE | {"style": "html"}},
        {"garbage": ONCE | {"style": "truncated"}},
        {"garbage": ONCE | {"style": "nan"}},
        {"garbage": ONCE | {"style": "list"}},
        {"server_error": ONCE | {"status": 503}},
        {"timeout_before": ONCE},
        {"not_found_for": {"probability": 1, "seconds": 5}},
        {"pending_for": {"probability": 1, "seconds": 5}},
    ]
    purchases = [world.buy() for _ in troubles]
    for purchase, trouble in zip(purchases, troubles, strict=True):
        purchase.faults(lose_callback=1, **trouble)
        purchase.pay()

    assert world.end_alike(*purchases)


def test_a_wallet_that_limits_queries_is_asked_more_slowly_and_all_are_found(world):
    world.parts.env["NODROP_SANDBOX_QUERY_LIMIT"] = "2"
    world.parts.start("wallet")
    try:
        purchases = [world.buy(lose_callback=1) for _ in range(6)]
        for purchase in purchases:
            purchase.pay()

        assert world.end_alike(*purchases)
    finally:
        world.parts.env["NODROP_SANDBOX_QUERY_LIMIT"] = "0"
        world.parts.start("wallet")


@pytest.mark.parametrize("path", ["callback", "consult"])
def test_another_amount_than_was_asked_for_pays_nothing_and_is_owed_back(world, path):
    purchase = world.buy(wrong_amount=1, lose_callback=int(path == "consult"))

    purchase.pay()

    assert world.end_alike(purchase, outcome=("mispaid", "unpaid", ["surplus"], 0))
    assert purchase.last_source() == path


def test_a_wallet_that_is_down_while_the_shopper_pays_is_asked_when_it_is_back(world):
    refused, cut = world.buy(lose_callback=1), world.buy(down=1)
    for purchase in (refused, cut):
        purchase.pay()
    world.parts.stop("wallet")
    assert eventually(lambda: refused.row("consults >= 2"), (True,))
    assert [each.row("status") for each in (refused, cut)] == [("paying",)] * 2

    world.parts.start("wallet")
    cut.faults(lose_callback=1)

    assert world.end_alike(refused, cut)
