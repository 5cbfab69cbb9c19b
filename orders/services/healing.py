"""What the inside watch mends on the order side, each through the door that would have done it."""

import datetime as dt

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce

from orders import stock
from orders.models import Order
from orders.services.concluding import conclude, lock_order
from orders.states import WANTS_MONEY, OrderStatus

log = structlog.get_logger(__name__)

MOST = 500  # rows a pass


def adopt_orders(*, now: dt.datetime) -> int:
    """Give a time to close to open orders that have none, which nobody would ever close.

    One that was placed by the former release gets the time that it would have had.
    """
    usual = dt.timedelta(seconds=settings.ORDER_EXPIRES_AFTER)
    expires_at = Coalesce("expires_at", F("created_at") + usual)
    lost = Order.objects.filter(status__in=WANTS_MONEY, close_due_at=None)
    return lost.update(expires_at=expires_at, close_due_at=expires_at)


def release_forgotten_stock() -> int:
    """Put back the goods of orders that ended unpaid and still hold them."""
    ended = [OrderStatus.CANCELLED, OrderStatus.CLOSED]
    found = Order.objects.filter(status__in=ended, stock_held=True).order_by("pk")
    return sum(_release(order_no) for order_no in found.values_list("order_no", flat=True)[:MOST])


@transaction.atomic
def _release(order_no: str) -> bool:
    order = lock_order(order_no)
    if not order.stock_held:
        return False
    log.error("stock_was_held_in_vain", order_no=order.order_no)
    stock.release(order)
    order.stock_held = False
    order.save(update_fields=["stock_held"])
    return True


@transaction.atomic
def conclude_anew(*, order_no: str, now: dt.datetime) -> Order:
    """Derive the order's status again from all that is known. Raises `UnknownOrder`."""
    order = lock_order(order_no)
    conclude(order, now=now, ledger_changed=True)
    return order
