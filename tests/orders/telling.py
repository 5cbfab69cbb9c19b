"""Endpoints and facts for the tests of notifications."""

import datetime as dt

from django.db import transaction
from django.utils import timezone

from orders.deliveries import deliver_due
from orders.endpoints import add_endpoint
from orders.models import Endpoint, Notification, Order
from orders.notifications import notify
from tests.factories import an_order


def an_endpoint(url: str, name: str = "warehouse") -> Endpoint:
    endpoint, _secret = add_endpoint(name=name, url=url, now=timezone.now())
    return endpoint


def a_fact(
    order: Order | None = None,
    type: str = "order.paid",
    now: dt.datetime | None = None,
    **data: object,
) -> Notification:
    """A fact about an order, as the newest notification tells it."""
    order = order or an_order()
    with transaction.atomic():
        Order.objects.select_for_update().get(pk=order.pk)
        notify(order=order, type=type, now=now or timezone.now(), **data)
    return Notification.objects.filter(order=order).latest("pk")


def deliver_all(*, now: dt.datetime | None = None, rounds: int = 1000) -> int:
    """Deliver until nothing is due, as the wake-ups would; returns how many tries were made."""
    tries = 0
    for _ in range(rounds):
        tried = deliver_due(now=now or timezone.now())
        if not tried:
            return tries
        tries += tried
    raise AssertionError(f"still something due after {rounds} rounds")
