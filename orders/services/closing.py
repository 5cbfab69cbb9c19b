"""Closing an order that was not paid in time, or that its shopper cancels.

The order side's part of the close saga: it refuses new payments first, and ends when none of its
payments may bring money any more. What a channel has to be asked is done by who knows channels.
"""

import datetime as dt
from dataclasses import dataclass

import structlog
from django.db import transaction

from common.kill_points import reach
from orders.errors import OrderNotCancellable
from orders.models import Order
from orders.services.concluding import conclude, lock_order
from orders.states import WANTS_MONEY, AttemptStatus, OrderStatus

log = structlog.get_logger(__name__)

BATCH = 50
# Longer than a batch takes at the channels. Nobody waits for it: the payments' own consults ask for
# the close as well, and sooner.
LOOK_AGAIN = dt.timedelta(seconds=90)


@dataclass(frozen=True, slots=True)
class Begun:
    """How many orders were taken on, and the numbers of those that wait for a channel's word."""

    taken: int
    waiting: list[str]


@transaction.atomic
def cancel_order(*, order_no: str, now: dt.datetime) -> Order:
    """Ask that the order be cancelled: at once, or as soon as no payment of it is open any more.

    Money that comes in between wins. Asking twice is harmless. Raises `OrderNotCancellable`.
    """
    order = lock_order(order_no)
    if order.status == OrderStatus.CANCELLED:
        return order
    if order.status not in WANTS_MONEY:
        raise OrderNotCancellable(f"Order {order_no} is {order.status}: it can't be cancelled.")
    if order.cancel_asked_at is None:
        order.cancel_asked_at = now
        order.close_due_at = now + LOOK_AGAIN  # who cancels asks the channel now
        conclude(order, now=now)
    return order


def begin_closing(*, now: dt.datetime) -> Begun:
    """Take on a batch of orders that are due to close; those without an open payment are closed.

    The payments of the others have to be closed at their channels. They are due again later: less
    and less often, until the last payment is over. Each is a transaction of its own: one that can't
    be closed stops no other, and no two orders' goods are locked together.
    """
    numbers = _claim(now)
    if numbers:
        reach("close.taken")
    waiting = []
    for order_no in numbers:
        try:
            if _begin(order_no, now):
                waiting.append(order_no)
        except Exception:
            log.exception("closing_failed", order_no=order_no)
    return Begun(len(numbers), waiting)


@transaction.atomic
def _claim(now: dt.datetime) -> list[str]:
    due = list(
        Order.objects.select_for_update(skip_locked=True, no_key=True)
        .filter(close_due_at__lte=now)
        .order_by("close_due_at", "pk")[:BATCH]
    )
    Order.objects.filter(pk__in=[order.pk for order in due]).update(close_due_at=now + LOOK_AGAIN)
    return [order.order_no for order in due]


@transaction.atomic
def _begin(order_no: str, now: dt.datetime) -> bool:
    """Whether a payment of the order is still open."""
    order = lock_order(order_no)
    if order.status not in WANTS_MONEY:
        return False
    is_new = order.cancel_asked_at is None and order.close_asked_at is None
    if is_new:
        order.close_asked_at = now
    began_at = order.cancel_asked_at or order.close_asked_at or now
    order.close_due_at = now + max(LOOK_AGAIN, (now - began_at) / 10)
    if is_new or not order.attempts.filter(status=AttemptStatus.OPEN).exists():
        conclude(order, now=now)
    else:  # nothing that anybody watches has changed
        order.save(update_fields=["close_due_at"])
    return order.status in WANTS_MONEY
