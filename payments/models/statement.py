"""The channels' daily statements, kept raw, and what in them differs from our rows."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from payments.states import DifferenceKind, StatementState


class Statement(models.Model):
    """One day's statement of one channel: due until it was compared.

    `day` is a day of the channel's own time zone.
    """

    channel = models.CharField(max_length=32)
    day = models.DateField()
    state = models.CharField(max_length=16, choices=StatementState, default=StatementState.WAITING)
    due_at = models.DateTimeField(null=True, blank=True, help_text="the next try")
    tries = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True, help_text="of the last try that failed")
    downloaded_at = models.DateTimeField(null=True, blank=True)
    compared_at = models.DateTimeField(null=True, blank=True)
    digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the raw bytes")
    size = models.BigIntegerField(default=0, help_text="bytes, as downloaded")
    lines = models.PositiveIntegerField(default=0)
    matched = models.PositiveIntegerField(default=0, help_text="lines that agree with our rows")

    class Meta:
        ordering = ["-day", "channel"]
        indexes: ClassVar = [
            models.Index(
                fields=["due_at"], condition=Q(due_at__isnull=False), name="statement_due"
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["channel", "day"], name="statement_once_per_day"),
            models.CheckConstraint(
                condition=Q(state__in=StatementState.values), name="statement_state_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.day}"


class StatementPart(models.Model):
    """A piece of a raw statement, compressed with zlib; in pieces, so that memory stays flat."""

    statement = models.ForeignKey(Statement, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    body = models.BinaryField()

    class Meta:
        ordering = ["statement", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["statement", "number"], name="statement_part_once_per_number"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.statement_id}/{self.number}"


class Difference(models.Model):
    """Something that a statement and our rows do not agree about, until it is resolved.

    Amounts are minor units with their currency as text, empty where that side knows nothing.
    """

    statement = models.ForeignKey(Statement, on_delete=models.PROTECT, related_name="differences")
    kind = models.CharField(max_length=16, choices=DifferenceKind)
    payment_no = models.CharField(max_length=64, blank=True)
    refund_no = models.CharField(max_length=64, blank=True)
    capture_no = models.CharField(max_length=128, blank=True)
    ours = models.CharField(max_length=200, blank=True, help_text="what our rows say")
    theirs = models.CharField(max_length=200, blank=True, help_text="what the statement says")
    found_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolution = models.CharField(max_length=200, blank=True)
    resolved_by = models.CharField(max_length=150, blank=True, help_text="empty: Nodrop")

    class Meta:
        ordering = ["-id"]
        indexes: ClassVar = [
            models.Index(
                fields=["found_at"],
                condition=Q(resolved_at__isnull=True),
                name="difference_open",
            ),
            models.Index(fields=["payment_no"], name="difference_by_payment_no"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["statement", "kind", "payment_no", "refund_no", "capture_no"],
                name="difference_recorded_once",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=DifferenceKind.values), name="difference_kind_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.refund_no or self.payment_no}"
