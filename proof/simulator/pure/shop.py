"""The pure shop: Nodrop's domain in memory, in the shape that the simulator's world drives.

What web, worker and database are to the real one is left out; its states, its schedules and its
rules are the same, taken from the same modules. It is fast, and it is a second opinion: a run of
the same world on both must end alike.
"""

import datetime as dt
import zlib
from collections.abc import Callable, Collection, Mapping
from typing import Any

from django.conf import settings

from common.kill_points import reach
from orders.errors import OrderNotCancellable, OrderNotPayable
from orders.states import Entry
from payments.channels.base import BadSignature
from payments.channels.registry import UnknownChannel
from payments.services import AnotherPaymentInFog, CallbackNotSettled, RefundError
from payments.states import RefundReason, RefundStatus, Source, Status
from proof.simulator.process import Process
from proof.simulator.pure import (
    callbacks,
    consulting,
    ordering,
    refunding,
    relaying,
    statements,
    watching,
)
from proof.simulator.pure.here import Here, banks_of
from proof.simulator.pure.looking import due_times, view
from proof.simulator.pure.rows import Event, Order, Payment
from proof.simulator.pure.store import Store
from proof.simulator.system import Answer, Move, News, OrderView
from proof.simulator.world import World
from shop import cadence
from workers.closing import SECONDS as CLOSING_SECONDS

UNWELL = Answer(500)
NO_NEWS = News([], [])  # half of the commits are leases and evidence
PRICES = {"tea": 1250, "mug": 4990, "pot": 12900}  # minor units of CNY, as in the real one


class PureShop:
    """Implements `proof.simulator.system.System`."""

    def __init__(self, world: World) -> None:
        self.store = store = Store(Here(world), world.rng("the shop's own chance"))
        self.banks = banks_of(world)
        self._tasks: dict[str, Callable[[], object]] = {
            "workers.consult_due": lambda: consulting.consult_due(store, self._now()),
            "workers.announce_due": lambda: consulting.announce_due(store, self._now()),
            "workers.sync_payment_result": lambda: consulting.sweep(store, self._now()),
            "workers.relay_due": lambda: relaying.relay_due(store, self._now()),
            "workers.refund_due": lambda: refunding.refund_due(store, self._now()),
            "workers.close_due": lambda: self._close_due(self._now()),
            "workers.watch": lambda: watching.watch(store, self._now()),
            "workers.import_statements": lambda: statements.import_statements(store, self._now()),
        }

    # --- the web ---------------------------------------------------------------------------------

    def place(self, *, key: str) -> Answer:
        skus = sorted(PRICES)
        sku = skus[zlib.crc32(key.encode()) % len(skus)]
        order = self._ask(
            lambda: ordering.place_order(
                self.store,
                key=key,
                quantities={sku: 1},
                total=PRICES[sku],
                currency="CNY",
                now=self._now(),
            )
        )
        if isinstance(order, Answer):
            return order
        return Answer(400) if order is None else Answer(201, {"order_no": order.order_no})

    def pay(self, *, order_no: str, channel: str) -> Answer:
        return self._answer(lambda: self._pay(self.store.orders[order_no], channel, self._now()))

    def _pay(self, order: Order, channel: str, now: dt.datetime) -> Answer:
        """As `shop.services.paying.pay`."""
        payment = order.fog
        if payment and not self._can_go_on(payment, channel, now):
            consulting.close_payments(self.store, [payment], now)
            if payment.in_fog or self._may_not_take_more(order):
                return Answer(409)
            payment = None
        if payment is None:
            payment = self._open(order, channel, now)
            if payment is None:
                return Answer(409)
        if payment.in_fog and not payment.has_action:
            consulting.create_at_channel(self.store, payment, now)
        if payment.status is Status.FAILED:
            return Answer(502, {"payment_no": payment.payment_no})
        known = payment.has_action or not payment.in_fog
        body: dict[str, Any] = {"payment_no": payment.payment_no, "channel": payment.channel}
        return Answer(201 if known else 202, body | {"action": payment.has_action or None})

    def _open(self, order: Order, channel: str, now: dt.datetime) -> Payment | None:
        """All in one transaction: what refuses it is asked before anything is written."""
        with self.store.atomic():
            ordering.refuse_payment(order, now)
            if self._may_not_take_more(order):
                return None
            payment = consulting.open_payment(
                self.store,
                order,
                channel=channel,
                return_url=f"{settings.PUBLIC_URL}/orders/{order.order_no}",
                now=now,
            )
            ordering.expect_payment(self.store, order, payment.payment_no, 1, now)
        return payment

    @staticmethod
    def _can_go_on(payment: Payment, channel: str, now: dt.datetime) -> bool:
        order = payment.order
        is_wanted = order.cancel_asked_at is None and order.close_asked_at is None
        is_open = payment.expires_at > now and payment.close_asked_at is None
        return is_wanted and is_open and payment.channel == channel

    @staticmethod
    def _may_not_take_more(order: Order) -> bool:
        """While money is here, whether the order side knows of it or not."""
        return any(
            payment.status is Status.SUCCEEDED
            or (payment.status is Status.MISPAID and not _has_gone_back(payment))
            for payment in order.payments
        )

    def come_back(self, *, payment_no: str) -> Answer:
        payment = self.store.payments[payment_no]
        pulled = self._ask(lambda: consulting.pull_forward(self.store, payment, self._now()))
        return pulled if isinstance(pulled, Answer) else self.poll(payment_no=payment_no)

    def poll(self, *, payment_no: str) -> Answer:
        """As `shop.selectors.payment_standing`."""
        payment = self.store.payments[payment_no]
        order = payment.order
        attempt = order.attempts.get(payment_no)
        final = not payment.in_fog and (attempt.seq if attempt else 0) >= payment.version
        since = payment.returned_at or payment.created_at
        every = None if final else cadence.interval(self._now() - since)
        chance = self.store.rng.random() if every else 0.5
        return Answer(
            200,
            {
                "payment_no": payment_no,
                "status": str(payment.status),
                "order_status": str(order.status),
                "final": final,
                "version": payment.version + order.version,
                "poll_after_ms": every and cadence.with_jitter(every, chance=chance),
            },
        )

    def cancel(self, *, order_no: str) -> Answer:
        return self._answer(lambda: self._cancel(self.store.orders[order_no], self._now()))

    def _cancel(self, order: Order, now: dt.datetime) -> Answer:
        ordering.cancel_order(self.store, order, now)
        reach("close.begun")
        if payment := order.fog:
            consulting.close_payments(self.store, [payment], now)
        return Answer(200, {"order_no": order.order_no, "status": str(order.status)})

    def refund(self, *, order_no: str, key: str, amount: int | None) -> Answer:
        return self._answer(lambda: self._refund(self.store.orders[order_no], key, amount))

    def _refund(self, order: Order, key: str, amount: int | None) -> Answer:
        """As `shop.services.refunding.refund`, by one operator."""
        of_key = f"api/{key}/"
        origin = f"{of_key}{order.order_no}/{amount}"
        with self.store.atomic():
            earlier = self.store.refunds_by_key.get(of_key)
            if earlier and earlier.origin != origin:
                return Answer(409)
            if earlier:
                return Answer(201, {"refund_no": earlier.refund_no})
            payment = _payment_to_refund(order)
            if payment is None:
                return Answer(409)
            refund = refunding.request_refund(
                self.store,
                payment,
                amount=amount,
                reason=_reason_of(order, payment),
                origin=origin,
                actor="support",
                now=self._now(),
            )
            self.store.refunds_by_key[of_key] = refund
        return Answer(201, {"refund_no": refund.refund_no})

    def receive_callback(self, *, channel: str, headers: Mapping[str, str], body: bytes) -> Answer:
        return self._answer(
            lambda: Answer(
                callbacks.receive_callback(
                    self.store, channel=channel, headers=headers, body=body, now=self._now()
                )
            )
        )

    def _answer(self, handle: Callable[[], Answer]) -> Answer:
        answer: Answer = self._ask(handle)
        return answer

    @staticmethod
    def _ask(handle: Callable[[], Any]) -> Any:
        """What a view makes of what its service raises."""
        try:
            return handle()
        except (OrderNotPayable, OrderNotCancellable, AnotherPaymentInFog, RefundError):
            return Answer(409)
        except BadSignature:
            return Answer(401)
        except (UnknownChannel, KeyError):
            return Answer(404)
        except CallbackNotSettled:
            return UNWELL
        except Exception:  # noqa: BLE001  (as the handler of what nobody has caught)
            return UNWELL

    # --- the workers and the operators ---------------------------------------------------------

    def run_task(self, *, name: str, kwargs: Mapping[str, Any]) -> None:
        try:
            self._tasks.get(name, _nothing)()
            reach("task.done")
        except Exception as error:  # noqa: BLE001  (Celery would log it, and go on)
            self.store.around.task_broke(name, error)

    def _close_due(self, now: dt.datetime) -> None:
        """As `workers.closing.close_due`."""
        started = self.store.around.stopwatch()
        while self.store.around.stopwatch() - started < CLOSING_SECONDS:
            taken, waiting = ordering.begin_closing(self.store, now)
            if not taken:
                break
            reach("close.begun")
            fog = [payment for order in waiting if (payment := order.fog)]
            consulting.close_payments(self.store, fog, now)

    def operate(self, *, action: str, number: str) -> str:
        try:
            return self._operate(action, number)
        except Exception as error:  # noqa: BLE001  (the admin shows it)
            return type(error).__name__

    def _operate(self, action: str, number: str) -> str:
        store, now = self.store, self._now()
        match action:
            case "query":
                consulting.query_now(store, store.payments[number], now)
                return str(store.payments[number].status)
            case "replay":
                kept = [
                    each
                    for each in store.events.values()
                    if each.payment_no == number and each.source is Source.CALLBACK
                ]
                if not kept:
                    return "nothing"
                callbacks.replay(store, kept[-1], now)
                return str(kept[-1].verdict)
        refunds = store.payments[number].refunds
        failed = next((each for each in refunds if each.status is RefundStatus.FAILED), None)
        if failed is None:
            return "nothing"
        return str(refunding.refund_again(store, failed, now, "operator").status)

    # --- what the world sees -------------------------------------------------------------------

    def enter(self, process: Process) -> None:
        """It keeps nothing in a process but what `Process` has."""

    def leave(self, process: Process) -> None: ...

    def writes(self) -> int:
        return self.store.writes

    def news(self) -> News:
        if not self.store.moved and not self.store.changed:
            return NO_NEWS
        moved, self.store.moved = self.store.moved, []
        changed, self.store.changed = list(self.store.changed), {}
        self.store.to_look_at.update(dict.fromkeys(changed))
        payments = [_move(event) for event in moved if not event.refund]
        refunds = [_move(event) for event in moved if event.refund]
        return News([*payments, *refunds], changed)

    def views(self, order_nos: Collection[str]) -> list[OrderView]:
        return [view(self.store.orders[number]) for number in sorted(order_nos)]

    def all_orders(self) -> list[str]:
        return sorted(self.store.orders)

    def due_times(self) -> dict[str, dt.datetime | None]:
        return due_times(self.store)

    def alarmed(self) -> set[str]:
        return set(self.store.alarmed)

    def open_alerts(self) -> list[tuple[str, str]]:
        return sorted(self.store.alerts)

    def is_in_transaction(self) -> bool:
        return self.store.is_in_transaction

    def rows_read(self) -> int:
        """It has no database."""
        return 0

    def _now(self) -> dt.datetime:
        return self.store.around.now()


def _nothing() -> None:
    """Tasks that are about no money: messages, notifications, heartbeats."""


def _has_gone_back(payment: Payment) -> bool:
    gone = sum(
        refund.amount for refund in payment.refunds if refund.status is RefundStatus.SUCCEEDED
    )
    return gone >= payment.captured_total


def _payment_to_refund(order: Order) -> Payment | None:
    """The payment that paid the order, or None."""
    applied = [row.payment_no for row in order.ledger if row.entry is Entry.APPLIED]
    return next((each for each in order.payments if each.payment_no in applied), None)


def _reason_of(order: Order, payment: Payment) -> RefundReason:
    """For the customer; or, if it did not pay the order, why it did not."""
    received = [
        row for row in order.ledger if row.payment_no == payment.payment_no and not row.refund_no
    ]
    if not received or any(row.entry is Entry.APPLIED for row in received):
        return RefundReason.CUSTOMER
    return RefundReason(str(received[0].why))


def _move(event: Event) -> Move:
    payment = event.of
    return Move(
        order_no=payment.order.order_no,
        payment_no=payment.payment_no,
        refund_no=event.refund.refund_no if event.refund else "",
        seq=event.seq,
        was=str(event.was),
        to=str(event.to),
        source=str(event.source),
        is_capture=event.capture is not None,
    )
