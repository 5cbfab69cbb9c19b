"""Money that reached an order: it pays the order, or it is surplus and owed back."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from orders.errors import UnknownOrder
from orders.messages.writing import tell_shopper
from orders.models import LedgerEntry, Order
from orders.services.attempts import note_attempt
from orders.services.concluding import conclude, lock_order
from orders.states import (
    WANTS_MONEY,
    AttemptStatus,
    Entry,
    MessageKind,
    OrderStatus,
    Why,
)

log = structlog.get_logger(__name__)


@transaction.atomic
def record_payment(
    *, order_no: str, payment_no: str, seq: int, amount: int, currency: str, now: dt.datetime
) -> LedgerEntry | None:
    """Record money that came as it was asked for: it pays the order, or it is surplus.

    Money for a closed order revives it, where settings want that and its goods can still be had.
    `amount` is in minor units. Idempotent by `payment_no`: returns the new entry, None for a
    repeat. Raises `UnknownOrder`.
    """
    order = lock_order(order_no)
    note_attempt(order, payment_no, AttemptStatus.RECEIVED, seq)
    if _is_recorded(payment_no):
        return None
    why = _why_surplus(order, amount, currency)
    money: dict[str, Any] = {"payment_no": payment_no, "amount": amount, "currency": currency}
    return _write(order, why, now, **money)


@transaction.atomic
def record_mispayment(
    *, order_no: str, payment_no: str, seq: int, amount: int, currency: str, now: dt.datetime
) -> LedgerEntry | None:
    """Record money that came but not as it was asked for: surplus, whatever the order's state."""
    order = lock_order(order_no)
    note_attempt(order, payment_no, AttemptStatus.RECEIVED, seq)
    if _is_recorded(payment_no):
        return None
    money: dict[str, Any] = {"payment_no": payment_no, "amount": amount, "currency": currency}
    return _write(order, Why.MISPAID, now, **money)


@transaction.atomic
def record_capture(
    *,
    order_no: str,
    payment_no: str,
    capture_no: str,
    seq: int,
    amount: int,
    currency: str,
    now: dt.datetime,
) -> LedgerEntry | None:
    """Record money that a channel took once more for the same payment: always surplus."""
    order = lock_order(order_no)
    note_attempt(order, payment_no, AttemptStatus.RECEIVED, seq)
    if _is_recorded(payment_no, capture_no):
        return None
    money: dict[str, Any] = {"payment_no": payment_no, "amount": amount, "currency": currency}
    return _write(order, Why.SECOND, now, capture_no=capture_no, **money)


def tell_refund_coming(*, order_no: str, now: dt.datetime) -> None:
    """Have the shopper told that surplus goes back by itself: where a refund of it was asked for.

    Belongs into the transaction that asks. It takes no lock: who asks may hold the payment's, and
    that comes after the order's. Raises `UnknownOrder`.
    """
    order = Order.objects.filter(order_no=order_no).first()
    if order is None:
        raise UnknownOrder(f"There is no order {order_no}.")
    tell_shopper(order, kind=MessageKind.REFUND_COMING, now=now)


def _is_recorded(payment_no: str, capture_no: str = "") -> bool:
    rows = LedgerEntry.objects.filter(payment_no=payment_no, capture_no=capture_no, refund_no="")
    return rows.exists()


def _why_surplus(order: Order, amount: int, currency: str) -> Why | None:
    """Why this money is not wanted; None if it pays the order, which may revive it."""
    if (order.total, order.currency) != (amount, currency):
        return Why.MISPAID
    if order.status in WANTS_MONEY or _can_be_revived(order):
        return None
    return Why.SECOND if order.paid_at else Why.LATE


def _can_be_revived(order: Order) -> bool:
    """A closed order can be, a cancelled one never: its shopper does not want it any more."""
    if order.status != OrderStatus.CLOSED or settings.LATE_MONEY != "revive":
        return False
    rule: Callable[[Order], bool] = import_string(settings.REVIVAL_RULE)
    return rule(order)


def _write(order: Order, why: Why | None, now: dt.datetime, **money: Any) -> LedgerEntry:
    entry = LedgerEntry.objects.create(
        **money,
        order=order,
        entry=Entry.SURPLUS if why else Entry.APPLIED,
        why=why or "",
        recorded_at=now,
    )
    if why:
        log.warning("surplus", order_no=order.order_no, payment_no=entry.payment_no, why=str(why))
    else:
        if order.status not in WANTS_MONEY:
            order.revived_at = now
        order.paid_at = now
        order.stock_held = True
    conclude(order, now=now)
    return entry
