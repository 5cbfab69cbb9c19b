"""The ledger: money that reached an order, and money that went back."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from orders.models.order import Order
from orders.states import Entry, Why


class LedgerEntry(models.Model):
    """Money that moved, written once and never changed. `amount` is in minor units of `currency`.

    Received money (`applied`, `surplus`) has one entry a capture: `capture_no` is empty for a
    payment's first. Money that went back (`refund`), and a refund that came back (`bounced`), have
    one entry for each such event of the refund.
    """

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="ledger")
    payment_no = models.CharField(max_length=32)
    capture_no = models.CharField(max_length=128, blank=True, default="", db_default="")
    refund_no = models.CharField(max_length=32, blank=True, default="", db_default="")
    refund_seq = models.PositiveIntegerField(
        default=0, db_default=0, help_text="number of the refund's event"
    )
    amount = models.BigIntegerField(help_text="minor units")
    currency = models.CharField(max_length=3)
    entry = models.CharField(max_length=16, choices=Entry)
    why = models.CharField(
        max_length=16, choices=Why, blank=True, default="", db_default="", help_text="of surplus"
    )
    recorded_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "ledger entries"
        indexes: ClassVar = [
            models.Index(
                fields=["currency"], condition=Q(entry=Entry.SURPLUS), name="ledger_surplus"
            ),
            models.Index(fields=["payment_no"], name="ledger_by_payment_no"),
            models.Index(
                fields=["recorded_at"], condition=Q(entry=Entry.SURPLUS), name="ledger_surplus_age"
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["payment_no", "capture_no"],
                condition=Q(refund_no=""),
                name="received_once_per_capture",
            ),
            models.UniqueConstraint(
                fields=["refund_no", "refund_seq"],
                condition=~Q(refund_no=""),
                name="went_back_once_per_event",
            ),
            models.UniqueConstraint(
                fields=["order"], condition=Q(entry=Entry.APPLIED), name="one_applied_per_order"
            ),
            models.CheckConstraint(condition=Q(entry__in=Entry.values), name="ledger_entry_known"),
            models.CheckConstraint(
                condition=Q(entry__in=[Entry.APPLIED, Entry.SURPLUS]) ^ ~Q(refund_no=""),
                name="what_went_back_names_its_refund",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency} {self.entry}"
