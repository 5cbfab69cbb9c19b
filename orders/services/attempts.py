"""Payments of an order, as far as the order side knows them."""

import datetime as dt

from django.db import transaction

from orders.errors import OrderNotPayable
from orders.models import Attempt, Order
from orders.services.concluding import conclude, lock_order
from orders.states import WANTS_MONEY, AttemptStatus


def expect_payment(*, order_no: str, payment_no: str, seq: int, now: dt.datetime) -> None:
    """Note that a payment is being started, in the transaction that writes its row.

    Raises `OrderNotPayable` when the order takes no money (any more), or `UnknownOrder`.
    """
    order = lock_order(order_no)
    if order.status not in WANTS_MONEY or order.cancel_asked_at:
        raise OrderNotPayable(f"Order {order_no} is {order.status} and takes no payment any more.")
    check_in_time(order=order, now=now)
    if note_attempt(order, payment_no, AttemptStatus.OPEN, seq):
        conclude(order, now=now)


def check_in_time(*, order: Order, now: dt.datetime) -> None:
    """Refuse an order whose time to be paid is over. Raises `OrderNotPayable`."""
    if order.close_asked_at or (order.expires_at and order.expires_at <= now):
        raise OrderNotPayable(f"The time to pay order {order.order_no} is over: place it again.")


@transaction.atomic
def record_attempt(
    *, order_no: str, payment_no: str, seq: int, over: bool, now: dt.datetime
) -> None:
    """Note where a payment without money stands: still open, or over. Repeats are no-ops.

    The last payment that is over closes an order that was to be closed.
    """
    order = lock_order(order_no)
    status = AttemptStatus.OVER if over else AttemptStatus.OPEN
    if note_attempt(order, payment_no, status, seq):
        conclude(order, now=now)


def note_attempt(order: Order, payment_no: str, status: AttemptStatus, seq: int) -> bool:
    """Note the newest state of a payment; False when nothing about it is new (or in its order)."""
    attempt, is_new = Attempt.objects.get_or_create(
        payment_no=payment_no, defaults={"order": order, "status": status, "seq": seq}
    )
    if is_new:
        return True
    if seq <= attempt.seq:
        return False
    changed = attempt.status != status
    attempt.status = status
    attempt.seq = seq
    attempt.save(update_fields=["status", "seq"])
    return changed
