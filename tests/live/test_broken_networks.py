"""Connections that hang, or are cut in an answer or a COMMIT: over a proxy, between real parts."""

import socket
import time
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

import pytest

from proof.soak.proxy import Fault, Kind
from tests.live.world import PAID_ONCE, connect, eventually

pytestmark = [pytest.mark.live, pytest.mark.timeout(150)]


def test_a_black_hole_swallows_the_answer_to_a_creation_and_it_is_charged_once(world):
    purchase = world.order()
    with world.trouble("web>wallet", Fault(Kind.HOLD_ANSWERS)):
        answer = purchase.start()
    first = purchase.payment_no

    assert (answer.status_code, answer.json()["status"]) == (202, "paying")
    assert purchase.start().status_code == 201
    purchase.pay()
    assert purchase.payment_no == first
    assert world.end_alike(purchase)


def test_a_creation_that_comes_late_out_of_a_black_hole_makes_no_second_bill(world):
    purchase = world.order()
    with world.trouble("web>wallet", Fault(Kind.HOLD)):
        assert purchase.start().status_code == 202
        assert purchase.payment_no not in world.ledger()

    assert purchase.start().status_code == 201
    purchase.pay()
    assert world.end_alike(purchase)
    assert world.ledger()[purchase.payment_no]["captured"] == 12900


def test_answers_to_consults_that_are_held_cut_or_closed_end_nothing(world):
    purchases = [world.buy(lose_callback=1) for _ in range(3)]
    for fault in (Fault(Kind.HOLD_ANSWERS), Fault(Kind.CUT), Fault(Kind.HALF_CLOSE)):
        with world.trouble("worker>wallet", fault):
            purchase = purchases.pop()
            purchase.pay()
            assert eventually(lambda asked=purchase: asked.row("consults >= 1"), (True,))
            assert purchase.row("status") == ("paying",)

        assert world.end_alike(purchase)


@pytest.mark.parametrize("kind", [Kind.RESET_BEFORE, Kind.RESET_AFTER])
def test_a_callback_whose_commit_may_have_failed_is_no_2xx_and_sent_again(world, kind):
    purchase = world.buy()
    with world.trouble("web>postgres", Fault(kind, match=b"COMMIT")) as link:
        struck = link.struck
        purchase.pay()
        assert eventually(lambda: link.struck > struck)

    assert world.end_alike(purchase)
    assert purchase.last_source() == "callback"


@pytest.mark.parametrize("kind", [Kind.RESET_BEFORE, Kind.RESET_AFTER])
def test_a_worker_whose_commits_may_have_failed_does_everything_once(world, kind):
    purchase = world.buy(lose_callback=1)
    with world.trouble("worker>postgres", Fault(kind, match=b"COMMIT")) as link:
        struck = link.struck
        purchase.pay()
        assert eventually(lambda: link.struck >= struck + 3)
    world.leases_are_over()

    assert world.end_alike(purchase)


def test_a_web_that_does_not_see_the_broker_serves_on_and_the_worker_finds_the_money(world):
    with world.trouble("web>valkey", Fault(Kind.HOLD)):
        purchase = world.order()
        started = time.monotonic()
        assert purchase.start().status_code == 201
        assert time.monotonic() - started < 5
        purchase.faults(lose_callback=1)
        purchase.pay()

        assert world.end_alike(purchase)


def test_slow_and_half_closed_clients_do_not_exhaust_web(world):
    purchase = world.buy()
    with ExitStack() as open_ones:
        for _ in range(40):
            open_ones.enter_context(client(world, "Content-Len"))
            half_closed = open_ones.enter_context(client(world, "Content-Length: 100\r\n\r\n{"))
            half_closed.shutdown(socket.SHUT_WR)

        started = time.monotonic()
        purchase.pay()

        assert world.end_alike(purchase)
        assert purchase.poll()["status"] == "succeeded"
        assert time.monotonic() - started < 10


def client(world, rest):
    """A connection that has begun to send a callback, and goes no further than this."""
    port = int(world.web.rpartition(":")[2])
    opened = socket.create_connection(("127.0.0.1", port), timeout=5)
    opened.sendall(f"POST /callbacks/sandbox/ HTTP/1.1\r\nHost: shop\r\n{rest}".encode())
    return opened


def test_web_killed_in_mid_callback_before_and_after_its_commit_loses_nothing(world):
    before, after = world.buy(), world.buy()
    locked = "BEGIN; SELECT FROM payments_payment WHERE payment_no = %s FOR UPDATE"
    world.rows(locked, before.payment_no)
    before.pay()
    assert eventually(
        lambda: world.rows("SELECT count(*) > 0 FROM pg_locks WHERE NOT granted"), [(True,)]
    )

    world.parts.kill("web")
    world.rows("ROLLBACK")
    assert before.row("status") == ("paying",)
    time.sleep(0.2)  # until the supervisor has seen it
    world.parts.wait("web")
    assert world.end_alike(before)

    received = "SELECT sum(times_received) >= %s FROM payments_evidence WHERE payment_no = %s"
    received += " AND source = 'callback'"
    with world.trouble("wallet>web", Fault(Kind.HOLD_ANSWERS)):
        after.pay()
        # By the callback: a consult may well be faster, and says nothing of the answer on its way.
        assert eventually(lambda: world.rows(received, 1, after.payment_no), [(True,)])
        world.parts.kill("web")
        time.sleep(0.2)
        world.parts.wait("web")
        # Still held: an answer that is let go would tell the wallet that all is well.
        assert eventually(lambda: world.rows(received, 2, after.payment_no), [(True,)])

    assert after.outcome() == PAID_ONCE


@pytest.mark.parametrize(
    ("broken", "whole"),
    [
        ("WITH ALLOW_CONNECTIONS false", "WITH ALLOW_CONNECTIONS true"),
        ("SET default_transaction_read_only = on", "RESET default_transaction_read_only"),
    ],
    ids=["refuses every connection", "takes no writes"],
)
def test_a_database_that_is_not_what_it_should_be_is_no_reason_for_2xx(world, broken, whole):
    purchase = world.buy(lose_callback=1)
    callback = purchase.callback()
    with administrator(world) as alter:
        alter(broken)
        try:
            purchase.pay()
            started = time.monotonic()
            assert world.call_back(*callback) >= 500
            assert refused_order(world) == 503
            assert time.monotonic() - started < 5
        finally:
            alter(whole)

    assert eventually(lambda: world.call_back(*callback), 200)
    assert world.end_alike(purchase)


@contextmanager
def administrator(world):
    """Alters the world's database from another one, and ends the parts' connections to it."""
    url = urlsplit(world.parts.env["DATABASE_URL"])
    name = url.path.strip("/")
    session = connect(url._replace(path="/postgres").geturl())
    of_parts = "datname = %s AND pid <> %s"
    our_pid = world.rows("SELECT pg_backend_pid()")[0][0]

    def alter(how):
        with session.cursor() as cursor:
            cursor.execute(f"ALTER DATABASE {name} {how}")
            ending = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {of_parts}"
            cursor.execute(ending, (name, our_pid))

    try:
        yield alter
    finally:
        session.close()


def refused_order(world):
    body = {"lines": [{"sku": "umbrella", "quantity": 1}]}
    return world.http.post(f"{world.web}/api/v1/orders", json=body, timeout=10).status_code


def test_a_deadlock_with_somebody_else_undoes_the_relay_and_the_order_is_told_again(world):
    purchase = world.buy()
    world.rows(
        "SET deadlock_timeout = '10s'; BEGIN;"
        " SELECT FROM orders_order WHERE order_no = %s FOR UPDATE",
        purchase.order_no,
    )
    try:
        purchase.pay()
        waiting = "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted"
        assert eventually(lambda: world.rows(waiting), [(True,)])
        world.rows(  # the relay holds these rows, and waits for the order
            "SELECT FROM payments_paymentevent e JOIN payments_payment p ON p.id = e.payment_id"
            " WHERE payment_no = %s FOR UPDATE OF e",
            purchase.payment_no,
        )
    finally:
        world.rows("ROLLBACK; RESET deadlock_timeout")

    assert world.end_alike(purchase)
    failures = (
        "SELECT count(*) > 0 FROM payments_relayfailure f JOIN payments_paymentevent e"
        " ON e.id = f.event_id JOIN payments_payment p ON p.id = e.payment_id"
        " WHERE payment_no = %s AND error LIKE '%%deadlock%%'"
    )
    assert world.rows(failures, purchase.payment_no) == [(True,)]
