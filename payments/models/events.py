"""What happened to payments, as the order side is to learn it."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from payments.models.evidence import Evidence
from payments.models.payment import Payment
from payments.states import Source, Status


class FurtherCapture(models.Model):
    """Money that a channel took for a payment beyond the first time: it is owed back.

    `amount` is in minor units of `currency`.
    """

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="further_captures")
    capture_no = models.CharField(max_length=128, help_text="the channel's number of it")
    amount = models.BigIntegerField(help_text="minor units")
    currency = models.CharField(max_length=3)
    evidence = models.ForeignKey(Evidence, null=True, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["payment", "capture_no"], name="further_capture_recorded_once"
            ),
            models.CheckConstraint(
                condition=Q(amount__gt=0), name="further_capture_amount_positive"
            ),
        ]

    def __str__(self) -> str:
        return self.capture_no


class PaymentEvent(models.Model):
    """One transition of a payment, and the outbox: due until the order side has consumed it.

    An event with a `capture` tells of money beyond the first; the status stays as it is.
    """

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="events")
    seq = models.PositiveIntegerField()
    from_status = models.CharField(max_length=16, choices=Status, blank=True)
    to_status = models.CharField(max_length=16, choices=Status)
    source = models.CharField(max_length=16, choices=Source)
    evidence = models.ForeignKey(Evidence, null=True, on_delete=models.PROTECT, related_name="+")
    capture = models.OneToOneField(
        FurtherCapture, null=True, blank=True, on_delete=models.PROTECT, related_name="event"
    )
    occurred_at = models.DateTimeField()
    relay_due_at = models.DateTimeField(null=True, blank=True)
    relayed_at = models.DateTimeField(null=True, blank=True)
    relay_failures = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["id"]
        indexes: ClassVar = [
            models.Index(
                fields=["relay_due_at", "id"],
                condition=Q(relay_due_at__isnull=False),
                name="event_relay_due",
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["payment", "seq"], name="event_seq_once_per_payment"),
            models.CheckConstraint(
                condition=Q(relayed_at__isnull=True) ^ Q(relay_due_at__isnull=True),
                name="event_is_due_until_relayed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.from_status or 'new'} → {self.to_status}"


class RelayFailure(models.Model):
    """One attempt to hand an event to the order side that did not succeed."""

    event = models.ForeignKey(PaymentEvent, on_delete=models.PROTECT, related_name="failures")
    at = models.DateTimeField()
    error = models.TextField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.error[:80]
