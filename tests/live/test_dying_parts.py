"""Workers, broker and whole parts die, are flushed, and come back: every payment is found."""

import signal
import threading
import time

import pytest
import requests

from config.processes import Processes
from tests.live.world import eventually

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]
_logs_so_far: dict[str, int] = {}


@pytest.fixture(autouse=True, scope="module")
def _remember_what_other_stories_have_logged(the_world):
    """Others cut connections to the database, which web tells with a traceback."""
    _logs_so_far.update({name: len(the_world.parts.log(name)) for name in ("web", "wallet")})


# Before and after the question, before and after the commit, during the publish, before the ack.
CONSULT = [
    "consult.claimed",
    "consult.asked",
    "settle.written",
    "consult.settled",
    "wake.publishing",
    "task.done",
]


def test_a_worker_killed_in_mid_query_is_restarted_and_the_payment_found(world):
    purchase = world.buy(lose_callback=1, timeout_before=1)
    purchase.pay()
    assert eventually(lambda: purchase.row("consults"), (1,))

    world.parts.kill("worker")
    answers = "SELECT count(*) FROM payments_evidence WHERE payment_no = %s AND source <> 'start'"
    assert world.rows(answers, purchase.payment_no) == [(0,)]  # it had asked, and heard nothing
    purchase.faults()
    world.lease_is_over(purchase)
    world.parts.wait("worker")

    assert world.end_alike(purchase)


def test_a_worker_killed_at_each_step_of_a_consult_settles_each_payment_once(world, dying_at):
    purchases = []

    for _point in dying_at(CONSULT):
        purchases.append(world.buy(lose_callback=1))
        purchases[-1].pay()

    assert world.end_alike(*purchases)


def test_after_a_flush_the_living_worker_still_gets_its_wake_ups(world):
    world.broker.flush()

    purchase = world.buy(lose_callback=1)
    purchase.pay()

    assert world.end_alike(purchase)
    assert purchase.last_source() == "consult"
    assert purchase.row("settled_at - created_at < interval '5 seconds'") == (True,)


def test_everything_in_the_broker_and_the_worker_lost_while_the_shopper_pays(world):
    purchase = world.buy(lose_callback=1)
    world.parts.kill("worker")
    world.broker.flush()
    purchase.pay()
    world.broker.flush()

    world.parts.wait("worker")

    assert world.end_alike(purchase)


def test_a_broker_restarted_under_a_worker_that_holds_wake_ups(world):
    purchase = world.buy(lose_callback=1)
    deaths = world.parts.deaths("worker")
    world.broker.stop()
    purchase.pay()
    world.broker.start()

    assert world.end_alike(purchase)
    world.parts.wait("worker")
    assert world.parts.deaths("worker") == deaths
    after = world.buy(lose_callback=1)
    after.pay()
    assert world.end_alike(after)


def test_a_payment_started_and_called_back_without_a_broker(world):
    purchase = world.order()
    lost = world.order()
    world.broker.stop()
    try:
        started = time.monotonic()
        assert [purchase.start().status_code, lost.start().status_code] == [201, 201]
        assert time.monotonic() - started < 2 * 2
        lost.faults(lose_callback=1)
        for each in (purchase, lost):
            each.pay()
        assert eventually(lambda: purchase.row("status"), ("succeeded",), patience=10)
    finally:
        world.broker.start()

    assert world.end_alike(purchase, lost)


def test_a_deploy_under_load_with_two_beats_loses_and_doubles_nothing(world, tmp_path):
    shoppers = [Shopper(world, lose_callback=number % 2) for number in range(16)]
    with Processes(log_dir=tmp_path, env=world.parts.env) as more:
        more.start("beat")
        for shopper in shoppers:
            shopper.start()
        for name in ("web", "worker", "web"):
            world.parts.kill(name, signal.SIGTERM)
            time.sleep(0.2)  # until the supervisor has seen it
            world.parts.wait(name)
        for shopper in shoppers:
            shopper.join(60)
        purchases = [shopper.purchase for shopper in shoppers]
        assert [each for each in purchases if each is None] == []

        assert world.end_alike(*purchases)


class Shopper(threading.Thread):
    """Buys, and asks again with the same key whenever the shop does not answer."""

    def __init__(self, world, *, lose_callback):
        super().__init__()
        self.world, self.lost = world, lose_callback
        self.purchase = None

    def run(self):
        key = f"shopper-{id(self)}-{time.time_ns()}"
        purchase = self.insist(lambda: self.world.order(key))
        self.insist(lambda: purchase.start().raise_for_status())
        purchase.faults(lose_callback=self.lost)
        purchase.pay()
        self.purchase = purchase

    def insist(self, call):
        deadline = time.monotonic() + 50
        while True:
            try:
                return call()
            except requests.RequestException:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)


def test_what_dies_around_them_raises_no_error_in_web_and_wallet(world):
    logs = [world.parts.log(name)[start:] for name, start in _logs_so_far.items()]

    assert "Traceback" not in "".join(logs)
