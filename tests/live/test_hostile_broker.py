"""A broker that is full, flooded or poisoned, and a beat that is dead: nobody pays in vain."""

import signal
import time

import pytest
import redis
import requests

from tests.live.world import eventually

pytestmark = [pytest.mark.live, pytest.mark.timeout(150)]
PREFIX = "nodrop."


@pytest.fixture
def queues(world):
    with redis.Redis.from_url(world.broker.url) as client:
        yield client


def message(task, queue, *, body="W1tdLCB7fSwge31d", kind="application/json"):
    """A message as Celery's; its body is [[], {}, {}] in base64 unless it is another one."""
    from kombu.utils.json import dumps

    delivery = {"exchange": "", "routing_key": queue}
    return dumps(
        {
            "body": body,
            "content-encoding": "utf-8",
            "content-type": kind,
            "headers": {"lang": "py", "task": task, "id": f"{task}-{time.time_ns()}"},
            "properties": {
                "body_encoding": "base64",
                "delivery_info": delivery,
                "delivery_mode": 2,
                "delivery_tag": f"tag-{time.time_ns()}",
                "priority": 0,
            },
        }
    )


def test_a_broker_without_memory_costs_no_order(world, queues):
    queues.config_set("maxmemory", "1mb")
    try:
        purchase = world.buy(lose_callback=1)
        purchase.pay()
        with_callback = world.buy()
        with_callback.pay()
        assert eventually(lambda: with_callback.row("status"), ("succeeded",), patience=10)
    finally:
        queues.config_set("maxmemory", "0")

    assert world.end_alike(purchase, with_callback)


def test_the_same_wake_ups_delivered_thirty_times_at_once_ask_and_settle_once(world, queues):
    purchase = world.buy(lose_callback=1)
    purchase.pay()
    world.rows(
        "UPDATE payments_payment SET consult_due_at = now() WHERE payment_no = %s",
        purchase.payment_no,
    )

    for task, queue in (("workers.consult_due", "consults"), ("workers.relay_due", "relay")):
        queues.lpush(PREFIX + queue, *[message(task, queue) for _ in range(30)])

    assert world.end_alike(purchase)
    assert purchase.row("consults <= 2") == (True,)


def test_a_flooded_queue_starves_no_other(world, queues):
    flood = message("workers.notify_due", "notifications")
    queues.lpush(PREFIX + "notifications", *[flood] * 10_000)
    try:
        purchase = world.buy(lose_callback=1)
        purchase.pay()

        assert world.end_alike(purchase)
        assert purchase.row("settled_at - created_at < interval '15 seconds'") == (True,)
        assert queues.llen(PREFIX + "notifications") > 0
    finally:
        queues.delete(PREFIX + "notifications")


def test_messages_that_nobody_can_read_stop_no_worker(world, queues):
    deaths = world.parts.deaths("worker")
    for task, queue in (("workers.consult_due", "consults"), ("workers.relay_due", "relay")):
        queues.lpush(PREFIX + queue, message("workers.unknown", queue))
        queues.lpush(PREFIX + queue, message(task, queue, body="bm8gSlNPTg=="))
        queues.lpush(PREFIX + queue, message(task, queue, kind="application/x-python-serialize"))

    purchase = world.buy(lose_callback=1)
    purchase.pay()

    assert world.end_alike(purchase)
    assert eventually(lambda: queues.llen(PREFIX + "consults") + queues.llen(PREFIX + "relay"), 0)
    assert world.parts.deaths("worker") == deaths


def test_with_a_dead_beat_wake_ups_and_returns_go_on_and_the_switch_of_the_dead_tells(world):
    world.parts.stop("beat")
    try:
        purchase = world.buy(lose_callback=1)
        purchase.pay()
        assert world.end_alike(purchase)

        world.rows("UPDATE payments_heartbeat SET beat_at = beat_at - interval '2 minutes'")
        told = requests.get(f"{world.web}/readyz", timeout=10).json()["heartbeats"]
        assert told["beat"]["stale"] is True
    finally:
        world.parts.start("beat")


def test_a_worker_killed_in_mid_sweep_leaves_what_the_next_sweep_takes_up(world):
    purchases = [world.buy(lose_callback=1, timeout_before=1) for _ in range(3)]
    for purchase in purchases:
        purchase.pay()
    world.parts.kill("worker", signal.SIGSTOP)
    world.broker.flush()  # no wake-up is left: what beat sends is the sweep
    world.rows(
        "UPDATE payments_payment SET consult_due_at = now() - interval '1 minute'"
        " WHERE consult_due_at IS NOT NULL"
    )
    world.parts.kill("worker", signal.SIGCONT)
    taken_on = (
        "SELECT count(*) FROM payments_payment WHERE payment_no = ANY(%s)"
        " AND consult_due_at > now() + interval '60 seconds'"
    )
    numbers = [purchase.payment_no for purchase in purchases]
    assert eventually(lambda: world.rows(taken_on, numbers), [(3,)])

    world.parts.kill("worker")
    for purchase in purchases:
        purchase.faults()
    world.leases_are_over()
    world.parts.wait("worker")

    assert world.end_alike(*purchases)
