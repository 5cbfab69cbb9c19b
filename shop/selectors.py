"""Questions that need both sides: what was paid, and whether the order knows."""

import datetime as dt
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

from django.db.models import OuterRef, Subquery
from django.db.models.functions import JSONObject

from orders.models import Attempt, Order, OrderLine
from payments.models import Payment
from payments.states import IN_FOG
from shop import cadence
from shop.models import Product


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentStanding:
    """A payment and its order, as an app that waits for the end wants to know them."""

    payment_no: str
    order_no: str
    owner_id: int | None
    status: str
    order_status: str
    final: bool
    version: int
    order_version: int
    give_up_at: dt.datetime
    interval: int | None  # seconds; None: nothing more to wait for

    def as_returned(self, now: dt.datetime) -> "PaymentStanding":
        """The same when the shopper has just come back: the pace begins anew."""
        pace = None if self.final else cadence.interval(dt.timedelta())
        return replace(self, give_up_at=now + cadence.GIVE_UP_AFTER, interval=pace)

    @property
    def etag(self) -> str:
        """Changes with everything that an app is told, except the jitter."""
        told = (self.payment_no, self.status, self.order_status, self.final, self.version)
        text = repr((*told, self.give_up_at.timestamp(), self.interval))
        return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def payment_standing(*, payment_no: str, now: dt.datetime) -> PaymentStanding | None:
    """Where a payment stands, in one SQL statement and without asking the channel.

    It is final only when the order side has consumed the payment's last event: an app that stops
    asking then finds the order as it stays. `version` grows with each change of either side.
    """
    seen = Attempt.objects.filter(payment_no=OuterRef(OuterRef("payment_no"))).values("seq")
    order_of = Order.objects.filter(order_no=OuterRef("order_no")).values(
        known=JSONObject(
            status="status", version="version", owner_id="owner_id", seq=Subquery(seen)
        )
    )
    row = (
        Payment.objects.filter(payment_no=payment_no)
        .annotate(order=Subquery(order_of))
        .values("order_no", "status", "version", "created_at", "returned_at", "order")
        .first()
    )
    if row is None or row["order"] is None:
        return None
    order = row["order"]
    final = row["status"] not in IN_FOG and (order["seq"] or 0) >= row["version"]
    since = row["returned_at"] or row["created_at"]
    return PaymentStanding(
        payment_no=payment_no,
        order_no=row["order_no"],
        owner_id=order["owner_id"],
        status=row["status"],
        order_status=order["status"],
        final=final,
        version=row["version"] + order["version"],
        order_version=order["version"],
        give_up_at=since + cadence.GIVE_UP_AFTER,
        interval=None if final else cadence.interval(now - since),
    )


def emojis_of(lines: Iterable[OrderLine]) -> dict[str, str]:
    """The pictures of what was ordered, by SKU, of what is still in the catalogue."""
    products = Product.objects.filter(sku__in={line.sku for line in lines})
    return dict(products.values_list("sku", "emoji"))
