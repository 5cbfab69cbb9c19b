"""Orders, their lines, the payments started for them, and the ledger of money received."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from common.numbers import new_number
from orders.states import AttemptStatus, Entry, OrderStatus


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
    total = models.BigIntegerField(help_text="minor units")
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=16, choices=OrderStatus, default=OrderStatus.UNPAID)
    version = models.PositiveIntegerField(default=1, help_text="grows with each change")
    created_at = models.DateTimeField()
    cancel_asked_at = models.DateTimeField(null=True, blank=True)
    paid_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes: ClassVar = [models.Index(fields=["status", "-id"], name="order_by_status")]
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


class LedgerEntry(models.Model):
    """Money that reached an order, once per payment. `amount` is in minor units of `currency`."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="ledger")
    payment_no = models.CharField(max_length=32, unique=True)
    amount = models.BigIntegerField(help_text="minor units")
    currency = models.CharField(max_length=3)
    entry = models.CharField(max_length=16, choices=Entry)
    recorded_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "ledger entries"
        indexes: ClassVar = [
            models.Index(
                fields=["currency"], condition=Q(entry=Entry.SURPLUS), name="ledger_surplus"
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["order"], condition=Q(entry=Entry.APPLIED), name="one_applied_per_order"
            ),
            models.CheckConstraint(condition=Q(entry__in=Entry.values), name="ledger_entry_known"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency} {self.entry}"
