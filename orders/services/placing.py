"""Placing an order."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction

from orders import stock
from orders.errors import IdempotencyKeyReused
from orders.models import Order, OrderLine

log = structlog.get_logger(__name__)


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
    language: str = "",
    idempotency_key: str = "",
    request_hash: str = "",
) -> Order:
    """Place an order; the same owner's `idempotency_key` gives the same order again.

    Its goods are reserved until it closes, `settings.ORDER_EXPIRES_AFTER` seconds later at the
    latest if it is not paid. `request_hash` tells a repeat from another request under the same key:
    raises `IdempotencyKeyReused`. Raises `OutOfStock`, and `ValueError` for an order without lines.
    """
    if not lines:
        raise ValueError("an order needs at least one line")
    try:
        with transaction.atomic():
            expires_at = now + dt.timedelta(seconds=settings.ORDER_EXPIRES_AFTER)
            order = Order.objects.create(
                owner_id=owner_id,
                email=email,
                language=language,
                idempotency_key=idempotency_key,
                request_hash=request_hash,
                total=sum(line.unit_price * line.quantity for line in lines),
                currency=currency,
                created_at=now,
                expires_at=expires_at,
                close_due_at=expires_at,
                stock_held=True,
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
            stock.reserve(order)
    except IntegrityError:
        earlier = Order.objects.filter(owner_id=owner_id, idempotency_key=idempotency_key).first()
        if not idempotency_key or earlier is None:
            raise
        if earlier.request_hash != request_hash:
            raise IdempotencyKeyReused from None
        return earlier
    log.info("order_placed", order_no=order.order_no, total=order.total, currency=order.currency)
    return order
