"""What a page needs to learn the end of a payment: by its script, or by loading itself again."""

import datetime as dt
from typing import Any

from django.conf import settings
from django.urls import reverse

from orders.models import Order
from payments.models import Payment
from shop.access import order_token
from shop.cadence import interval
from shop.pages.channels import label_of

STILL_AFTER = 30  # seconds until "confirming" becomes "still confirming"
LEAST_REFRESH = 3  # seconds between two loads of a page without JavaScript


def listening(order: Order) -> dict[str, Any]:
    """For `order.html`: the end is known, and money may still come twice or go back."""
    return {"listens": True} | _hearing(order)


def watching(order: Order, payment: Payment, *, now: dt.datetime) -> dict[str, Any]:
    """For the templates `watch.html` and `standing.html`."""
    age = now - (payment.returned_at or payment.created_at)
    seconds = interval(age)
    is_open = payment.expires_at > now and not payment.close_asked_at
    return _hearing(order) | {
        "watched": payment,
        "watched_label": label_of(payment.channel),
        "may_open": payment.in_fog and is_open,
        "expires_in": max(0, int((payment.expires_at - now).total_seconds())),
        # As the status poll counts it. Who reads the order first, and the payment then, shows
        # nothing that is older than this.
        "version": order.version + payment.version,
        "still": age.total_seconds() >= STILL_AFTER,
        "still_in": max(0, STILL_AFTER - int(age.total_seconds())),
        "still_after": STILL_AFTER,
        "refresh": seconds and max(seconds, LEAST_REFRESH),
    }


def _hearing(order: Order) -> dict[str, str]:
    return {
        "tickets_url": reverse("api:tickets", args=[order.order_no]) if settings.PUSH_URL else "",
        "token": order_token(order.order_no),
    }
