"""What follows from what is known of an order: its status, and who is told of it."""

import datetime as dt

import structlog
from django.db.models import BigIntegerField, Case, F, Sum, When

from orders import stock
from orders.errors import UnknownOrder
from orders.messages.writing import tell_of_status
from orders.models import Order
from orders.notifications import notify
from orders.push_hints import tell_on_commit
from orders.states import WANTS_MONEY, AttemptStatus, Entry, OrderStatus

log = structlog.get_logger(__name__)

_FIELDS = [
    "status",
    "version",
    "paid_at",
    "revived_at",
    "closed_at",
    "refunded_at",
    "cancel_asked_at",
    "close_asked_at",
    "close_due_at",
    "stock_held",
]


def lock_order(order_no: str) -> Order:
    """The order, locked until the transaction ends. Raises `UnknownOrder`."""
    try:
        return Order.objects.select_for_update(no_key=True).get(order_no=order_no)
    except Order.DoesNotExist:
        raise UnknownOrder(f"There is no order {order_no}.") from None


def conclude(order: Order, *, now: dt.datetime, ledger_changed: bool = False) -> None:
    """Derive the status of a locked order, do what follows, and tell those who watch it.

    `ledger_changed` says that money has gone back, or came back. A refunded order stays refunded
    whatever comes later and is owed back, unless its `refunded_at` was taken back.
    """
    was = OrderStatus(order.status)
    order.status = _status_of(order, ledger_changed)
    order.version += 1
    if order.status != was:
        log.info("order_moved", order_no=order.order_no, was=was, now=str(order.status))
        _follow(order, was, now)
    order.save(update_fields=_FIELDS)
    if order.status != was:
        _notify(order, was, now)
        tell_of_status(order, was=was, now=now)
    tell_on_commit(order_no=order.order_no, version=order.version)


def _status_of(order: Order, ledger_changed: bool) -> OrderStatus:
    was = OrderStatus(order.status)
    if was is OrderStatus.REFUNDED and order.refunded_at is not None:
        return was
    wants_money = was in WANTS_MONEY and order.paid_at is None
    if wants_money and order.attempts.filter(status=AttemptStatus.OPEN).exists():
        return OrderStatus.PAYING
    if wants_money and not order.cancel_asked_at and not order.close_asked_at:
        return OrderStatus.UNPAID
    if (ledger_changed or wants_money) and _all_went_back(order):
        return OrderStatus.REFUNDED
    if order.paid_at is not None:
        return OrderStatus.PAID
    return OrderStatus.CANCELLED if order.cancel_asked_at else OrderStatus.CLOSED


def _all_went_back(order: Order) -> bool:
    """Whether money came for this order, and none of it is left here."""
    signed = Case(
        When(entry=Entry.REFUND, then=-F("amount")),
        default=F("amount"),
        output_field=BigIntegerField(),
    )
    sums = (
        order.ledger.exclude(amount=0)
        .values("currency")
        .annotate(left=Sum(signed))
        .values_list("left", flat=True)
    )
    return bool(sums) and not any(sums)


def _follow(order: Order, was: OrderStatus, now: dt.datetime) -> None:
    """What a new status brings with it, written on the row."""
    to = OrderStatus(order.status)
    if to in WANTS_MONEY:
        return
    order.close_due_at = None
    if was in WANTS_MONEY and to is not OrderStatus.PAID:
        order.closed_at = now
        if order.stock_held:
            stock.release(order)
            order.stock_held = False
    order.refunded_at = now if to is OrderStatus.REFUNDED else None


def _notify(order: Order, was: OrderStatus, now: dt.datetime) -> None:
    """Tell the systems that fulfil orders, in the transaction of the fact."""
    to = OrderStatus(order.status)
    if was in WANTS_MONEY and to in (OrderStatus.CANCELLED, OrderStatus.CLOSED):
        notify(order=order, type="order.closed", now=now)
    elif to is OrderStatus.PAID and was is not OrderStatus.REFUNDED:
        revived = was not in WANTS_MONEY
        notify(order=order, type="order.revived" if revived else "order.paid", now=now)
    elif to is OrderStatus.REFUNDED:
        notify(order=order, type="order.refunded", now=now)
