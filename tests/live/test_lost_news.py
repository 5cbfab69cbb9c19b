"""Callbacks that never come, come twenty times, or lie; over real HTTP, between real processes."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.live.world import PAID_ONCE, eventually, signed

pytestmark = [pytest.mark.live, pytest.mark.timeout(150)]


def test_a_lost_callback_is_made_up_for_by_a_consult(world):
    purchase = world.buy(lose_callback=1)

    purchase.pay()

    assert world.end_alike(purchase)
    assert purchase.last_source() == "consult"


def test_a_callback_sent_twenty_times_at_once_settles_once(world):
    purchase = world.buy(duplicate_callback={"probability": 1, "count": 20})

    purchase.pay()

    assert world.end_alike(purchase)
    received = (
        "SELECT sum(times_received) FROM payments_evidence WHERE payment_no = %s"
        " AND source = 'callback'"
    )
    assert eventually(lambda: world.rows(received, purchase.payment_no), [(20,)])
    assert purchase.outcome() == PAID_ONCE


def test_twenty_posts_of_one_signed_callback_at_once_settle_once(world):
    purchase = world.buy(lose_callback=1)
    purchase.pay()
    callback = purchase.callback()

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: world.call_back(*callback), range(20)))

    assert answers == [200] * 20
    assert world.end_alike(purchase)
    query = "SELECT times_received FROM payments_evidence WHERE event_id = %s"
    assert world.rows(query, callback[0]["webhook-id"]) == [(20,)]


def test_an_order_side_that_breaks_for_a_while_is_told_again(world):
    purchase = world.buy()
    world.rows("UPDATE orders_order SET order_no = 'GONE' WHERE order_no = %s", purchase.order_no)
    purchase.pay()
    failures = (
        "SELECT max(relay_failures) >= 2 FROM payments_paymentevent e"
        " JOIN payments_payment p ON p.id = e.payment_id WHERE payment_no = %s"
    )
    assert eventually(lambda: world.rows(failures, purchase.payment_no), [(True,)])
    assert purchase.row("status") == ("succeeded",)

    world.rows("UPDATE orders_order SET order_no = %s WHERE order_no = 'GONE'", purchase.order_no)

    assert world.end_alike(purchase)


def test_an_app_that_polls_from_start_to_end_is_never_told_less_than_before(world):
    purchase = world.buy(delay_callback={"probability": 1, "seconds": 1})
    told, done = [purchase.poll()], threading.Event()

    def poll():
        while not done.is_set():
            told.append(purchase.poll())
            if told[-1]["final"]:
                return

    app = threading.Thread(target=poll)
    app.start()
    purchase.pay()
    app.join(30)
    done.set()

    versions = [said["version"] for said in told]
    steps = [(said["status"], said["order_status"], said["final"]) for said in told]
    assert versions == sorted(versions)
    assert list(dict.fromkeys(steps))[-1] == ("succeeded", "paid", True)
    assert steps == sorted(steps, key=list(dict.fromkeys(steps)).index)
    assert world.end_alike(purchase)


def test_forged_tampered_oversized_and_replayed_callbacks_change_nothing(world):
    purchase = world.buy(lose_callback=1, pending_for={"probability": 1, "seconds": 60})
    headers, body = purchase.callback()
    other_amount = purchase.callback()[1].replace(b'"amount": 12900', b'"amount": 1')
    old = headers | {"webhook-timestamp": str(int(headers["webhook-timestamp"]) - 3600)}

    assert world.call_back(headers | {"webhook-signature": "v1,Zm9yZ2Vk"}, body) == 401
    assert world.call_back({}, body) == 401
    assert world.call_back(headers, other_amount) == 401
    assert world.call_back(old, body) == 401
    assert world.call_back(headers, b"x" * 10_000_000) == 413
    assert world.call_back(headers, b"[" * 60_000) == 401
    assert world.call_back(*signed("[" * 30_000)) == 500
    assert purchase.row("status") == ("paying",)

    purchase.pay()
    assert [world.call_back(headers, body) for _ in range(3)] == [200] * 3
    assert world.end_alike(purchase)


def test_a_callback_that_is_sent_in_chunks_is_a_callback(world):
    purchase = world.buy(lose_callback=1, pending_for={"probability": 1, "seconds": 60})
    headers, body = purchase.callback()
    purchase.pay()

    assert world.call_back(headers, iter([b"x" * 60_000] * 2)) == 413
    assert world.call_back(headers, iter([body[:10], body[10:]])) == 200
    assert world.end_alike(purchase)


def test_a_callback_about_nobodys_payment_is_kept_and_hurts_nobody(world):
    purchase = world.buy()

    answer = world.call_back(*purchase.callback(payment_no="P00000000000000000000"))

    assert answer == 200
    query = "SELECT verdict FROM payments_evidence WHERE payment_no = 'P00000000000000000000'"
    assert world.rows(query) == [("orphan",)]
    assert purchase.row("status") == ("paying",)
