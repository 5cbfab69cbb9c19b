"""Refunds: money on its way back, and what happened to it."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from common.numbers import new_number
from payments.models.evidence import Evidence
from payments.models.payment import Payment
from payments.states import OPEN_REFUND, RefundReason, RefundStatus, Source

_OPEN = sorted(OPEN_REFUND)


def new_refund_no() -> str:
    """What the channel knows the refund by: its idempotency key there."""
    return new_number("R")


class Refund(models.Model):
    """Money that is to go back to who paid. `amount` is in minor units of `currency`.

    Accepted by the channel is not done: only its word ends a refund. `origin` says what asked for
    it; the same origin makes one refund.
    """

    refund_no = models.CharField(max_length=32, unique=True, default=new_refund_no, editable=False)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    amount = models.BigIntegerField(help_text="minor units")
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=16, choices=RefundStatus, default=RefundStatus.REQUESTED)
    version = models.PositiveIntegerField(default=1, help_text="number of the last event")
    reason = models.CharField(max_length=16, choices=RefundReason)
    note = models.CharField(max_length=200, blank=True, help_text="in the asker's own words")
    actor = models.CharField(max_length=150, blank=True, help_text="who asked; empty: Nodrop")
    origin = models.CharField(max_length=160, unique=True, editable=False)

    channel_no = models.CharField(max_length=128, blank=True, help_text="the channel's own number")
    send_calls = models.PositiveIntegerField(default=0, help_text="counted before each call")
    sent_at = models.DateTimeField(null=True, blank=True, help_text="written before each call")
    created_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True, help_text="when we knew the end")
    refunded_at = models.DateTimeField(null=True, blank=True, help_text="by the channel's clock")
    consult_due_at = models.DateTimeField(null=True, blank=True)
    consulted_at = models.DateTimeField(null=True, blank=True)
    consults = models.PositiveIntegerField(default=0, help_text="questions sent so far")
    slow_lane_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True, help_text="why the channel refused it")

    class Meta:
        ordering = ["-id"]
        indexes: ClassVar = [
            models.Index(
                fields=["consult_due_at", "id"],
                condition=Q(consult_due_at__isnull=False),
                name="refund_consult_due",
            ),
            models.Index(
                fields=["id"],
                condition=Q(status__in=_OPEN, consult_due_at__isnull=True),
                name="refund_open_without_due",
            ),
            models.Index(fields=["status", "-id"], name="refund_by_status"),
            models.Index(
                fields=["channel_no"], condition=~Q(channel_no=""), name="refund_by_channel_no"
            ),
            models.Index(
                fields=["refunded_at"],
                condition=Q(refunded_at__isnull=False),
                name="refund_done_on_a_day",
            ),
            models.Index(
                fields=["settled_at"],
                condition=Q(status=RefundStatus.SUCCEEDED),
                name="refund_succeeded",
            ),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="refund_amount_positive"),
            models.CheckConstraint(
                condition=Q(currency__regex=r"^[A-Z]{3}$"), name="refund_currency_is_iso_4217"
            ),
            models.CheckConstraint(
                condition=Q(status__in=RefundStatus.values), name="refund_status_known"
            ),
            models.CheckConstraint(
                condition=Q(reason__in=RefundReason.values), name="refund_reason_known"
            ),
            models.CheckConstraint(
                condition=Q(status__in=_OPEN) | Q(settled_at__isnull=False),
                name="a_refunds_end_has_a_time",
            ),
        ]

    def __str__(self) -> str:
        return self.refund_no

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_REFUND


class RefundEvent(models.Model):
    """One transition of a refund, and the outbox: due until the order side has consumed it."""

    refund = models.ForeignKey(Refund, on_delete=models.PROTECT, related_name="events")
    seq = models.PositiveIntegerField()
    from_status = models.CharField(max_length=16, choices=RefundStatus, blank=True)
    to_status = models.CharField(max_length=16, choices=RefundStatus)
    source = models.CharField(max_length=16, choices=Source)
    evidence = models.ForeignKey(Evidence, null=True, on_delete=models.PROTECT, related_name="+")
    occurred_at = models.DateTimeField()
    relay_due_at = models.DateTimeField(null=True, blank=True)
    relayed_at = models.DateTimeField(null=True, blank=True)
    relay_failures = models.PositiveIntegerField(default=0)
    relay_error = models.TextField(blank=True, help_text="of the last try that failed")

    class Meta:
        ordering = ["id"]
        indexes: ClassVar = [
            models.Index(
                fields=["relay_due_at", "id"],
                condition=Q(relay_due_at__isnull=False),
                name="refund_event_relay_due",
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["refund", "seq"], name="refund_event_seq_once_per_refund"
            ),
            models.CheckConstraint(
                condition=Q(relayed_at__isnull=True) ^ Q(relay_due_at__isnull=True),
                name="refund_event_is_due_until_relayed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.from_status or 'new'} → {self.to_status}"
