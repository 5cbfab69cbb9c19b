"""The stories. Each buys an umbrella, makes something go wrong, and waits for the truth."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.conf import settings
from redis import Redis

from config.processes import Processes
from demo import shopper
from demo.screen import Screen
from orders.models import LedgerEntry, Order
from orders.states import Entry, OrderStatus
from payments.models import Payment, PaymentEvent
from payments.services.consulting import OVERDUE
from payments.states import Source, Status

PATIENCE = 150.0  # seconds: the sweep comes once a minute


@dataclass(frozen=True, slots=True)
class Result:
    """How a story ended; `time_to_truth` is from the wallet's payment to the paid order (s)."""

    title: str
    found_by: str
    time_to_truth: float | None
    settlements: int
    paid_once: bool


def callback_lost(parts: Processes) -> Result:
    """The consult of the schedule finds what the callback would have told."""
    purchase, screen = _begin("1. The callback is lost", parts)
    shopper.set_faults(purchase, wallet=parts.url("wallet"), lose_callback=1)
    screen.say("the shopper pays in the wallet, and the wallet loses the callback")
    shopper.pay(purchase)
    screen.watch(until=screen.is_over, patience=PATIENCE)
    return _end("callback lost", purchase, screen, parts)


def callback_arrives(parts: Processes) -> Result:
    """The ordinary day."""
    purchase, screen = _begin("2. The callback arrives", parts)
    screen.say("the shopper pays in the wallet")
    shopper.pay(purchase)
    screen.watch(until=screen.is_over, patience=PATIENCE)
    return _end("callback arrives", purchase, screen, parts)


def callback_twenty_times(parts: Processes) -> Result:
    """Twenty copies at once make one settlement."""
    purchase, screen = _begin("3. The callback arrives twenty times at once", parts)
    faults = {"probability": 1, "count": 20}
    shopper.set_faults(purchase, wallet=parts.url("wallet"), duplicate_callback=faults)
    screen.say("the shopper pays in the wallet, which sends the callback twenty times at once")
    shopper.pay(purchase)

    def all_have_come() -> bool:
        evidence = screen.payment.evidence.filter(source=Source.CALLBACK)
        return sum(row.times_received for row in evidence) == 20 and screen.is_over()

    if screen.watch(until=all_have_come, patience=PATIENCE):
        screen.say("all twenty were taken: one settled the payment, nineteen were only counted")
    return _end("callback twenty times at once", purchase, screen, parts)


def everything_forgotten(parts: Processes) -> Result:
    """Worker and broker lose all they held: the rows remember."""
    purchase, screen = _begin("4. Worker killed, broker flushed, callback lost", parts)
    shopper.set_faults(purchase, wallet=parts.url("wallet"), lose_callback=1)
    screen.say("the worker is killed (SIGKILL), with the wake-up that it held")
    parts.kill("worker")
    screen.say("the broker is flushed: no message is left anywhere")
    _flush_broker()
    screen.say("the shopper pays in the wallet, and the wallet loses the callback")
    shopper.pay(purchase)
    overdue = time.monotonic() + settings.CONSULT_SCHEDULE[0] + OVERDUE.total_seconds() + 1
    screen.watch(until=lambda: time.monotonic() > overdue, patience=PATIENCE)
    parts.start("worker")
    screen.say("a worker is back, and knows nothing; beat sends the sweep once a minute")
    screen.watch(until=screen.is_over, patience=PATIENCE)
    return _end("worker killed, broker flushed", purchase, screen, parts)


STORIES: Sequence[Callable[[Processes], Result]] = (
    callback_lost,
    callback_arrives,
    callback_twenty_times,
    everything_forgotten,
)


def table(results: Sequence[Result]) -> str:
    """The stories side by side."""
    rows = [("story", "found by", "time to truth", "settlements", "paid exactly once")]
    rows += [
        (
            result.title,
            result.found_by,
            _seconds(result.time_to_truth),
            str(result.settlements),
            "yes" if result.paid_once else "NO",
        )
        for result in results
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join(["", lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def _begin(title: str, parts: Processes) -> tuple[shopper.Purchase, Screen]:
    print(f"\n{title}", flush=True)
    purchase = shopper.place_and_start(web=parts.url("web"))
    print(f"  order {purchase.order_no}, payment {purchase.payment_no}", flush=True)
    return purchase, Screen(purchase)


def _end(title: str, purchase: shopper.Purchase, screen: Screen, parts: Processes) -> Result:
    screen.show()
    result = _look(title, purchase, parts)
    truth, found_by = _seconds(result.time_to_truth), result.found_by
    print(f"time-to-truth: {truth} (found by {found_by})", flush=True)
    return result


def _look(title: str, purchase: shopper.Purchase, parts: Processes) -> Result:
    """Compare what the wallet took with what the order side has."""
    payment = Payment.objects.get(payment_no=purchase.payment_no)
    order = Order.objects.get(order_no=purchase.order_no)
    settled = PaymentEvent.objects.filter(payment=payment, to_status=Status.SUCCEEDED)
    ledger = LedgerEntry.objects.filter(order=order).values_list("amount", "entry")
    took = shopper.captured(purchase, wallet=parts.url("wallet"))
    paid_once = (
        order.status == OrderStatus.PAID
        and settled.count() == 1
        and list(ledger) == [(took, Entry.APPLIED)]
        and took == order.total
    )
    truth = order.paid_at and payment.paid_at and order.paid_at - payment.paid_at
    return Result(
        title=title,
        found_by=_finder(payment, settled.first()),
        time_to_truth=truth.total_seconds() if truth else None,
        settlements=settled.count(),
        paid_once=paid_once,
    )


def _finder(payment: Payment, event: PaymentEvent | None) -> str:
    if event is None:
        return "nobody"
    if event.source in (Source.CONSULT, Source.RETURN):
        return f"consult {payment.consults}"
    return "the sweep" if event.source == Source.SWEEP else str(event.source)


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f} s"


def _flush_broker() -> None:
    """Empty the embedded broker; of a Redis that is yours, only what is Nodrop's."""
    redis = Redis.from_url(settings.REDIS_URL)
    if not os.environ.get("REDIS_URL"):
        redis.flushall()
    elif keys := list(redis.scan_iter("nodrop*")):
        redis.delete(*keys)
