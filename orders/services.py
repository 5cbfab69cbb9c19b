"""Everything that changes an order. Plain values in, so that the order side knows no payment."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from django.db import IntegrityError, transaction

from orders.models import Attempt, LedgerEntry, Order, OrderLine
from orders.push_hints import tell_on_commit
from orders.states import WANTS_MONEY, AttemptStatus, Entry, OrderStatus

log = structlog.get_logger(__name__)


class OrderError(Exception):
    """The order can't do that."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__doc__)


class UnknownOrder(OrderError):
    """There is no order of this number."""


class OrderNotPayable(OrderError):
    """The order takes no payment any more."""


class OrderNotCancellable(OrderError):
    """The order is paid or closed already: it can't be cancelled."""


class IdempotencyKeyReused(OrderError):
    """This Idempotency-Key was used for another order: take a new key, or send the same order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line to order; `unit_price` in minor units of the order's currency."""

    sku: str
    title: str
    unit_price: int
    quantity: int


def place_order(
    *,
    lines: Sequence[Line],
    currency: str,
    now: dt.datetime,
    owner_id: int | None = None,
    email: str = "",
    idempotency_key: str = "",
    request_hash: str = "",
) -> Order:
    """Place an order; the same owner's `idempotency_key` gives the same order again.

    `request_hash` tells a repeat from another request under the same key: raises
    `IdempotencyKeyReused`. Raises `ValueError` for an order without lines.
    """
    if not lines:
        raise ValueError("an order needs at least one line")
    try:
        with transaction.atomic():
            order = Order.objects.create(
                owner_id=owner_id,
                email=email,
                idempotency_key=idempotency_key,
                request_hash=request_hash,
                total=sum(line.unit_price * line.quantity for line in lines),
                currency=currency,
                created_at=now,
            )
            OrderLine.objects.bulk_create(
                OrderLine(
                    order=order,
                    sku=line.sku,
                    title=line.title,
                    unit_price=line.unit_price,
                    quantity=line.quantity,
                )
                for line in lines
            )
    except IntegrityError:
        earlier = Order.objects.filter(owner_id=owner_id, idempotency_key=idempotency_key).first()
        if not idempotency_key or earlier is None:
            raise
        if earlier.request_hash != request_hash:
            raise IdempotencyKeyReused from None
        return earlier
    log.info("order_placed", order_no=order.order_no, total=order.total, currency=order.currency)
    return order


def expect_payment(*, order_no: str, payment_no: str, seq: int) -> None:
    """Note that a payment is being started, in the transaction that writes its row.

    Raises `OrderNotPayable` when the order takes no money (any more), or `UnknownOrder`.
    """
    order = _lock(order_no)
    if order.status not in WANTS_MONEY or order.cancel_asked_at:
        raise OrderNotPayable(f"Order {order_no} is {order.status} and takes no payment any more.")
    if _note_attempt(order, payment_no, AttemptStatus.OPEN, seq):
        _conclude(order, None)


@transaction.atomic
def record_attempt(*, order_no: str, payment_no: str, seq: int, over: bool) -> None:
    """Note where a payment without money stands: still open, or over. Repeats are no-ops."""
    order = _lock(order_no)
    status = AttemptStatus.OVER if over else AttemptStatus.OPEN
    if _note_attempt(order, payment_no, status, seq):
        _conclude(order, None)


@transaction.atomic
def record_payment(
    *, order_no: str, payment_no: str, seq: int, amount: int, currency: str, now: dt.datetime
) -> None:
    """Record money that came as it was asked for: it pays the order, or it is surplus.

    `amount` is in minor units. Idempotent by `payment_no`; raises `UnknownOrder`.
    """
    order = _lock(order_no)
    asked = (order.total, order.currency) == (amount, currency)
    wanted = asked and order.status in WANTS_MONEY
    entry = LedgerEntry(
        order=order,
        payment_no=payment_no,
        amount=amount,
        currency=currency,
        entry=Entry.APPLIED if wanted else Entry.SURPLUS,
        recorded_at=now,
    )
    _record(entry, seq)


@transaction.atomic
def record_mispayment(
    *, order_no: str, payment_no: str, seq: int, amount: int, currency: str, now: dt.datetime
) -> None:
    """Record money that came but not as it was asked for: surplus, whatever the order's state."""
    entry = LedgerEntry(
        order=_lock(order_no),
        payment_no=payment_no,
        amount=amount,
        currency=currency,
        entry=Entry.SURPLUS,
        recorded_at=now,
    )
    _record(entry, seq)


@transaction.atomic
def cancel_order(*, order_no: str, now: dt.datetime) -> Order:
    """Ask that the order be cancelled: at once, or as soon as no payment of it is open any more.

    Money that comes in between wins. Asking twice is harmless. Raises `OrderNotCancellable`.
    """
    order = _lock(order_no)
    if order.status == OrderStatus.CANCELLED:
        return order
    if order.status not in WANTS_MONEY:
        raise OrderNotCancellable(f"Order {order_no} is {order.status}: it can't be cancelled.")
    if order.cancel_asked_at is None:
        order.cancel_asked_at = now
        _conclude(order, None)
    return order


def _record(entry: LedgerEntry, seq: int) -> None:
    """Write money down once per payment; the order is locked by the caller."""
    order = entry.order
    if not _note_attempt(order, entry.payment_no, AttemptStatus.RECEIVED, seq):
        return
    if LedgerEntry.objects.filter(payment_no=entry.payment_no).exists():
        return
    entry.save()
    if entry.entry == Entry.SURPLUS:
        log.error("alert.surplus", order_no=order.order_no, payment_no=entry.payment_no)
    _conclude(order, entry.recorded_at if entry.entry == Entry.APPLIED else None)


def _lock(order_no: str) -> Order:
    try:
        return Order.objects.select_for_update(no_key=True).get(order_no=order_no)
    except Order.DoesNotExist:
        raise UnknownOrder(f"There is no order {order_no}.") from None


def _note_attempt(order: Order, payment_no: str, status: AttemptStatus, seq: int) -> bool:
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


def _conclude(order: Order, paid_at: dt.datetime | None) -> None:
    """Derive the order's status from what is known, and tell those who watch it."""
    if paid_at is not None:
        order.paid_at = paid_at
        status = OrderStatus.PAID
    elif order.status not in WANTS_MONEY:
        status = OrderStatus(order.status)
    elif order.attempts.filter(status=AttemptStatus.OPEN).exists():
        status = OrderStatus.PAYING
    else:
        status = OrderStatus.CANCELLED if order.cancel_asked_at else OrderStatus.UNPAID
    if status != order.status:
        log.info("order_moved", order_no=order.order_no, was=order.status, now=str(status))
    order.status = status
    order.version += 1
    order.save(update_fields=["status", "version", "paid_at", "cancel_asked_at"])
    tell_on_commit(order_no=order.order_no, version=order.version)
