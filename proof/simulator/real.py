"""Nodrop itself in the world: its views, tasks, services and rows, on a real PostgreSQL.

Only these are replaced: the clock and the stopwatches, chance, threads (everything runs in turn),
the broker and the cache, the push layer, the channels, and the receivers of notifications.
"""

import datetime as dt
import json
import logging
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from functools import partial
from random import Random
from types import SimpleNamespace
from typing import Any
from unittest import mock

from celery import Task
from celery.signals import task_postrun
from django.conf import settings
from django.contrib.auth.models import User
from django.core.cache import caches
from django.db import connection
from django.test import Client, override_settings
from django.utils import timezone
from rest_framework.authtoken.models import Token

from common import breaker, kill_points, numbers, wake
from orders.deliveries import loop as deliveries
from orders.endpoints import add_endpoint
from orders.services import concluding
from payments import services as payments
from payments.models import Evidence, Refund
from payments.models import payment as payment_model
from payments.services import batches, budget, consulting, postponing, starting
from payments.services.refunding import loop as refunding
from payments.states import Source
from proof.simulator import sql
from proof.simulator.bank import Bank
from proof.simulator.broker import Window
from proof.simulator.clock import installed
from proof.simulator.database import breaking_database
from proof.simulator.process import Crash, Process
from proof.simulator.receiver import Receiver
from proof.simulator.system import Answer, News, OrderView
from proof.simulator.world import World
from shop import tasks as shop_tasks
from shop.api import payment_views as api
from shop.models import Product
from workers import closing, tasks

STOPWATCHES = (breaker, batches, consulting, starting, refunding, closing, deliveries)
TASKS = {
    task.name: task
    for module in (tasks, shop_tasks)
    for task in vars(module).values()
    if isinstance(task, Task)
}
PRICES = {"tea": 1250, "mug": 4990, "pot": 12900}  # minor units of CNY
OPERATOR = "operator"


class RealShop:
    """Implements `proof.simulator.system.System`; lives inside of `living`."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.banks = {
            "north": Bank(world, "north", not_found_final_after=600.0),
            "south": Bank(world, "south"),
        }
        self._client = Client(raise_request_exception=False)
        self._tokens: dict[str, str] = {}
        self._order_of: dict[str, str] = {}
        self._seen = sql.Seen()
        self._changed: dict[str, None] = {}
        self._writes = 0
        self._rng = world.rng("the shop's own chance")
        self.local_budget = Window(world.clock)
        self.receiver = Receiver(world)

    # --- the web ---------------------------------------------------------------------------------

    def place(self, *, key: str) -> Answer:
        skus = sorted(PRICES)
        wish = {"lines": [{"sku": skus[zlib.crc32(key.encode()) % len(skus)], "quantity": 1}]}
        answer = self._post("/api/v1/orders", wish, {"Idempotency-Key": key})
        if answer.is_ok:
            self._tokens[answer.body["order_no"]] = answer.body["token"]
        return answer

    def pay(self, *, order_no: str, channel: str) -> Answer:
        path = f"/api/v1/orders/{order_no}/payments"
        answer = self._post(path, {"channel": channel}, self._opening(order_no))
        if "payment_no" in answer.body:
            self._order_of[answer.body["payment_no"]] = order_no
        return answer

    def come_back(self, *, payment_no: str) -> Answer:
        path = f"/api/v1/payments/{payment_no}/returned"
        return self._post(path, {}, self._opening_of(payment_no))

    def poll(self, *, payment_no: str) -> Answer:
        path = f"/api/v1/payments/{payment_no}/status"
        return self._ask(lambda: self._client.get(path, headers=self._opening_of(payment_no)))

    def cancel(self, *, order_no: str) -> Answer:
        return self._post(f"/api/v1/orders/{order_no}/cancel", {}, self._opening(order_no))

    def refund(self, *, order_no: str, key: str, amount: int | None) -> Answer:
        token = Token.objects.get(user__username=OPERATOR).key
        wish = {"note": "asked for"} | ({"amount": amount} if amount else {})
        headers = {"Authorization": f"Token {token}", "Idempotency-Key": key}
        return self._post(f"/api/v1/orders/{order_no}/refunds", wish, headers)

    def operate(self, *, action: str, number: str) -> str:
        try:
            return self._operate(action, number)
        except Exception as error:  # noqa: BLE001  (the admin shows it)
            return type(error).__name__

    def _operate(self, action: str, number: str) -> str:
        now, actor = timezone.now(), OPERATOR
        if action == "query":
            return payments.query_now(payment_no=number, now=now, actor=actor).status
        if action == "replay":
            kept = Evidence.objects.filter(payment_no=number, source=Source.CALLBACK).last()
            if kept is None:
                return "nothing"
            return payments.replay_callback(evidence_id=kept.pk, now=now, actor=actor).verdict
        failed = Refund.objects.filter(payment__payment_no=number, status="failed").first()
        if failed is None:
            return "nothing"
        return payments.refund_again(refund_no=failed.refund_no, now=now, actor=actor).status

    def receive_callback(self, *, channel: str, headers: Mapping[str, str], body: bytes) -> Answer:
        path = f"/callbacks/{channel}/"
        kind = headers.get("content-type", "application/json")
        others = {name: value for name, value in headers.items() if name != "content-type"}
        return self._ask(
            lambda: self._client.post(path, data=body, content_type=kind, headers=others)
        )

    def _opening(self, order_no: str) -> dict[str, str]:
        return {"X-Order-Token": self._tokens[order_no]}

    def _opening_of(self, payment_no: str) -> dict[str, str]:
        return self._opening(self._order_of[payment_no])

    def _post(self, path: str, body: object, headers: Mapping[str, str]) -> Answer:
        data = json.dumps(body)
        return self._ask(
            lambda: self._client.post(
                path, data=data, content_type="application/json", headers=headers
            )
        )

    def _ask(self, request: Callable[[], Any]) -> Answer:
        response = request()
        is_json = "json" in response.headers.get("content-type", "")
        return Answer(response.status_code, response.json() if is_json else {})

    # --- the workers -----------------------------------------------------------------------------

    def run_task(self, *, name: str, kwargs: Mapping[str, Any]) -> None:
        try:
            TASKS[name](**kwargs)
            task_postrun.send(sender=TASKS[name])
        except Crash:
            raise
        except Exception as error:  # noqa: BLE001  (Celery would log it, and go on)
            self.world.note("", f"{name} broke: {error!r}"[:200])

    def publish(
        self,
        task: str,
        *,
        eta: dt.datetime | None = None,
        expires: dt.datetime | float | None = None,
        **_options: Any,
    ) -> None:
        wakes = self.world.strategy.wakes
        if wakes is None or task in wakes:
            self.world.broker.publish(task=task, eta=eta, expires=expires)

    # --- what the world sees ---------------------------------------------------------------------

    def enter(self, process: Process) -> None:
        wake.breaker.quiet_until = process.quiet_until
        budget.breaker.quiet_until = process.budget_quiet_until

    def leave(self, process: Process) -> None:
        process.quiet_until = wake.breaker.quiet_until
        process.budget_quiet_until = budget.breaker.quiet_until

    def writes(self) -> int:
        return self._writes

    def news(self) -> News:
        changed, self._changed = list(self._changed), {}
        return News(sql.moves(self._seen), changed)

    def views(self, order_nos: Collection[str]) -> list[OrderView]:
        return sql.order_views(order_nos)

    def all_orders(self) -> list[str]:
        return sql.all_orders()

    def due_times(self) -> dict[str, dt.datetime | None]:
        return sql.due_times()

    def alarmed(self) -> set[str]:
        return sql.alarmed()

    def open_alerts(self) -> list[tuple[str, str]]:
        return sql.open_alerts()

    def is_in_transaction(self) -> bool:
        return connection.in_atomic_block

    def rows_read(self) -> int:
        return sql.rows_read()

    # --- what is replaced ------------------------------------------------------------------------

    def changed(self, *, order_no: str, version: int) -> None:
        """Instead of the push layer's hint: this order has changed."""
        self._changed[order_no] = None

    def wrote(self) -> None:
        self._writes += 1


@contextmanager
def living(world: World) -> Iterator[None]:
    """Inside, this world's shop runs on this world's clock, broker, cache and channels."""
    shop = world.system
    assert isinstance(shop, RealShop)  # noqa: S101
    with ExitStack() as patches:
        for each in _replacements(world, shop):
            patches.enter_context(each)
        logging.disable(logging.CRITICAL)
        patches.callback(logging.disable, logging.NOTSET)
        sql.empty()
        for sku, price in PRICES.items():
            Product.objects.create(sku=sku, title=sku.title(), price=price, currency="CNY")
        if world.plan.receiver:
            add_endpoint(name="fulfilment", url="https://shipping.example/", now=timezone.now())
        operator, _ = User.objects.get_or_create(username=OPERATOR, is_superuser=True)
        Token.objects.get_or_create(user=operator)
        yield


def _replacements(world: World, shop: RealShop) -> Iterable[Any]:
    chance = shop._rng
    yield installed(world.clock, STOPWATCHES)
    yield mock.patch.object(batches, "_random", chance)
    yield mock.patch.object(postponing, "_random", chance)
    yield mock.patch.object(numbers, "secrets", chance)
    yield mock.patch.object(payment_model, "secrets", SimpleNamespace(token_hex=_hex(chance)))
    yield mock.patch.object(api, "random", chance)
    yield mock.patch.object(api, "polling", SimpleNamespace(slow_down=_at_the_usual_pace))
    yield override_settings(API_LIMITS={})
    for module in (consulting, refunding, deliveries):
        yield mock.patch.object(module, "ThreadPoolExecutor", partial(InTurn, world))
    yield mock.patch.object(deliveries, "as_completed", lambda sent, **_timeout: list(sent))
    yield mock.patch.object(deliveries, "post", shop.receiver.post)
    yield mock.patch.object(concluding, "tell_on_commit", shop.changed)
    yield mock.patch.object(
        Task, "apply_async", lambda task, *_, **options: shop.publish(task.name, **options)
    )
    yield _replaced_cache(world)
    yield mock.patch.object(budget, "_shared", return_value=world.broker)
    yield mock.patch.object(budget, "_local", return_value=shop.local_budget)
    yield _replaced_channels(shop)
    yield _watched_writes(shop)
    yield breaking_database(world)
    yield kill_points.acting(world.reach)


def _at_the_usual_pace(*, now: float) -> float:
    """The measure of polling stands in Redis, and matters to no payment."""
    return 1.0


def _hex(chance: Random) -> Callable[[int], str]:
    return lambda count: f"{chance.getrandbits(8 * count):0{2 * count}x}"


@contextmanager
def _replaced_cache(world: World) -> Iterator[None]:
    before = caches["default"]
    caches["default"] = world.broker  # type: ignore[assignment]
    try:
        yield
    finally:
        caches["default"] = before


@contextmanager
def _replaced_channels(shop: RealShop) -> Iterator[None]:
    before = settings.NODROP_CHANNELS
    settings.NODROP_CHANNELS = {
        name: {
            "CLASS": "proof.simulator.channel.Edge",
            "LABEL": name.title(),
            "OPTIONS": {"bank": bank},
        }
        for name, bank in shop.banks.items()
    }
    try:
        yield
    finally:
        settings.NODROP_CHANNELS = before


@contextmanager
def _watched_writes(shop: RealShop) -> Iterator[None]:
    """Each statement that has changed a row of the domains may be news."""

    def watch(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if context["cursor"].rowcount > 0 and _is_news(sql):
            shop.wrote()
        return result

    with connection.execute_wrapper(watch):
        yield


def _is_news(sql: str) -> bool:
    beginning = sql.lstrip()[:60]
    if beginning.startswith("SELECT"):
        return False
    return "orders_" in beginning or ("payments_" in beginning and "heartbeat" not in beginning)


class InTurn:
    """A pool whose threads take turns: the calls of a batch still overlap in virtual time."""

    def __init__(self, world: World, **_options: Any) -> None:
        self._world = world

    def __enter__(self) -> "InTurn":
        return self

    def __exit__(self, *_args: object) -> None:
        pass

    def map(self, run: Callable[..., Any], *values: Sequence[Any]) -> list[Any]:
        calls = [partial(run, *each) for each in zip(*values, strict=True)]
        return self._world.side_by_side(calls)

    def submit(self, run: Callable[..., Any], *args: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        try:
            future.set_result(run(*args))
        except Exception as error:  # noqa: BLE001  (as a pool does)
            future.set_exception(error)
        return future

    def shutdown(self, **_kwargs: Any) -> None:
        pass
