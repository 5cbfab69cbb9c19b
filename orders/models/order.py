"""Orders, their lines, and the payments started for them."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from common.numbers import new_number
from orders.states import WANTS_MONEY, AttemptStatus, OrderStatus

_WANTS_MONEY = sorted(WANTS_MONEY)
_ENDED_UNPAID = sorted({OrderStatus.CANCELLED, OrderStatus.CLOSED})


def new_order_no() -> str:
    """What shopper and app know the order by."""
    return new_number("N")


class Order(models.Model):
    """What a shopper wants, and whether it is paid. `total` is in minor units of `currency`."""

    order_no = models.CharField(max_length=32, unique=True, default=new_order_no, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    idempotency_key = models.CharField(max_length=255, blank=True, editable=False)
    request_hash = models.CharField(max_length=64, blank=True, editable=False)
    email = models.EmailField(blank=True)
    language = models.CharField(
        max_length=16,
        blank=True,
        default="",
        db_default="",
        help_text="what its shopper reads, e.g. zh-hans",
    )
    total = models.BigIntegerField(help_text="minor units")
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=16, choices=OrderStatus, default=OrderStatus.UNPAID)
    version = models.PositiveIntegerField(default=1, help_text="grows with each change")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True, help_text="closed if unpaid by then")
    cancel_asked_at = models.DateTimeField(null=True, blank=True)
    close_asked_at = models.DateTimeField(null=True, blank=True, help_text="when it had expired")
    close_due_at = models.DateTimeField(null=True, blank=True, help_text="the closing's next step")
    closed_at = models.DateTimeField(null=True, blank=True, help_text="or cancelled")
    paid_at = models.DateTimeField(null=True, blank=True)
    revived_at = models.DateTimeField(null=True, blank=True, help_text="paid after it was closed")
    refunded_at = models.DateTimeField(null=True, blank=True, help_text="all money has gone back")
    stock_held = models.BooleanField(
        default=False, db_default=False, help_text="its goods are reserved, or sold to it"
    )

    class Meta:
        ordering = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["status", "-id"], name="order_by_status"),
            models.Index(
                fields=["owner", "-id"],
                condition=Q(owner__isnull=False),
                name="order_by_owner",
            ),
            models.Index(
                fields=["close_due_at", "id"],
                condition=Q(close_due_at__isnull=False),
                name="order_close_due",
            ),
            models.Index(
                fields=["id"],
                condition=Q(status__in=_WANTS_MONEY, close_due_at__isnull=True),
                name="order_open_without_due",
            ),
            models.Index(
                fields=["paid_at"], condition=Q(paid_at__isnull=False), name="order_paid_lately"
            ),
            models.Index(
                fields=["id"],
                condition=Q(status__in=_ENDED_UNPAID, stock_held=True),
                name="order_holds_stock_in_vain",
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["owner", "idempotency_key"],
                condition=~Q(idempotency_key=""),
                nulls_distinct=False,
                name="order_once_per_idempotency_key",
            ),
            models.CheckConstraint(condition=Q(total__gt=0), name="order_total_positive"),
            models.CheckConstraint(
                condition=Q(currency__regex=r"^[A-Z]{3}$"), name="order_currency_is_iso_4217"
            ),
            models.CheckConstraint(
                condition=Q(status__in=OrderStatus.values), name="order_status_known"
            ),
            models.CheckConstraint(
                condition=~Q(status=OrderStatus.PAID) | Q(paid_at__isnull=False),
                name="paid_order_has_a_time",
            ),
            models.CheckConstraint(
                condition=Q(status__in=_WANTS_MONEY) | Q(close_due_at__isnull=True),
                name="only_open_orders_are_due_to_close",
            ),
        ]

    def __str__(self) -> str:
        return self.order_no


class OrderLine(models.Model):
    """One product of an order, with the agreed price (minor units of the order's currency)."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="lines")
    sku = models.CharField(max_length=32)
    title = models.CharField(max_length=127)
    unit_price = models.BigIntegerField(help_text="minor units")
    quantity = models.PositiveIntegerField()
    reserved = models.BooleanField(
        default=False, db_default=False, help_text="taken out of the stock for this order"
    )

    class Meta:
        ordering = ["id"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(quantity__gt=0), name="line_quantity_positive"),
            models.CheckConstraint(condition=Q(unit_price__gte=0), name="line_price_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of {self.sku}"

    @property
    def total(self) -> int:
        """Minor units."""
        return self.unit_price * self.quantity


class Attempt(models.Model):
    """One payment of an order, as far as the order side knows: `seq` is its last event seen."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="attempts")
    payment_no = models.CharField(max_length=32, unique=True)
    status = models.CharField(max_length=16, choices=AttemptStatus)
    seq = models.PositiveIntegerField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.payment_no} {self.status}"
