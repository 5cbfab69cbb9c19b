"""Small rows for tests, straight into the database or through the doors."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.utils import timezone

from orders import services as orders
from orders.models import Order
from payments import services as payments
from payments.models import Payment
from shop.models import Product


def a_product(sku: str = "tea", *, price: int = 1250, **values: object) -> Product:
    """Something for sale; `price` in minor units of CNY, unless `values` say otherwise."""
    defaults = {"title": sku.title(), "emoji": "🍵", "currency": "CNY"}
    return Product.objects.create(sku=sku, price=price, **(defaults | values))


def an_order(*, total: int = 1250, currency: str = "CNY", **values: object) -> Order:
    """An unpaid order of one line; `total` in minor units."""
    line = orders.Line(sku="tea", title="Tea", unit_price=total, quantity=1)
    return orders.place_order(lines=[line], currency=currency, now=timezone.now(), **values)  # type: ignore[arg-type]


def an_opened_payment(
    order: Order | None = None, *, channel: str = "fake", started: dt.datetime | None = None
) -> Payment:
    """A payment whose row is written, and whose channel has not been called."""
    order = order or an_order()
    return payments.open_payment(
        order_no=order.order_no,
        channel=channel,
        amount=order.total,
        currency=order.currency,
        subject=f"Order {order.order_no}",
        return_url="https://shop.example/result",
        now=started or timezone.now(),
    )


def a_payment(
    order: Order | None = None, *, channel: str = "fake", started: dt.datetime | None = None
) -> Payment:
    """A payment that its channel knows: the shopper may pay it now."""
    started = started or timezone.now()
    opened = an_opened_payment(order, channel=channel, started=started)
    return payments.create_at_channel(payment_no=opened.payment_no, now=started)


@contextmanager
def rewriting_history() -> Iterator[None]:
    """Evidence, events and ledger may be changed inside: for rows that never come to be so."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        yield
        cursor.execute("SET session_replication_role = DEFAULT")
