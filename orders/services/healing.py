"""What the inside watch mends on the order side, each through the door that would have done it."""

import datetime as dt

import structlog
from django.db import transaction

from orders import stock
from orders.models import Order
from orders.services.concluding import conclude, lock_order
from orders.states import WANTS_MONEY, OrderStatus

log = structlog.get_logger(__name__)

MOST = 500  # rows a pass


def adopt_orders(*, now: dt.datetime) -> int:
    """Give a time to close to open orders that have none, which nobody would ever close."""
    lost = Order.objects.filter(status__in=WANTS_MONEY, close_due_at=None)
    return lost.update(close_due_at=now)


@transaction.atomic
def release_forgotten_stock() -> int:
    """Put back the goods of orders that ended unpaid and still hold them."""
    ended = [OrderStatus.CANCELLED, OrderStatus.CLOSED]
    orders = Order.objects.select_for_update(skip_locked=True, no_key=True)
    found = list(orders.filter(status__in=ended, stock_held=True).order_by("pk")[:MOST])
    for order in found:
        log.error("stock_was_held_in_vain", order_no=order.order_no)
        stock.release(order)
        order.stock_held = False
        order.save(update_fields=["stock_held"])
    return len(found)


@transaction.atomic
def conclude_anew(*, order_no: str, now: dt.datetime) -> Order:
    """Derive the order's status again from all that is known. Raises `UnknownOrder`."""
    order = lock_order(order_no)
    conclude(order, now=now, ledger_changed=True)
    return order
