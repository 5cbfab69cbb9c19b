"""Evidence: the raw thing that we learned."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Length

from payments.models.payment import Payment
from payments.states import Source, Verdict

models.CharField.register_lookup(Length)


class Evidence(models.Model):
    """What we learned about a payment or a refund, raw; only its verdict changes.

    A callback is stored before it is judged. `payment` is empty for an orphan; `body` is empty for
    a consult that told nothing new.
    """

    payment = models.ForeignKey(
        Payment, null=True, blank=True, on_delete=models.PROTECT, related_name="evidence"
    )
    payment_no = models.CharField(max_length=64, blank=True, help_text="as the channel wrote it")
    refund = models.ForeignKey(
        "payments.Refund", null=True, blank=True, on_delete=models.PROTECT, related_name="evidence"
    )
    refund_no = models.CharField(
        max_length=64, blank=True, default="", db_default="", help_text="as the channel wrote it"
    )
    channel = models.CharField(max_length=32)
    source = models.CharField(max_length=16, choices=Source)
    event_id = models.CharField(max_length=160, null=True, blank=True)  # noqa: DJ001  (NULL: no key)
    body = models.BinaryField(blank=True)
    headers = models.JSONField(default=dict, blank=True)
    claim = models.CharField(max_length=16, blank=True, help_text="the state that it reports")
    received_at = models.DateTimeField()
    times_received = models.PositiveIntegerField(default=1)
    verdict = models.CharField(max_length=16, choices=Verdict, default=Verdict.PENDING)
    error = models.TextField(blank=True)
    actor = models.CharField(max_length=150, blank=True, help_text="the operator, where one acted")

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "evidence"
        indexes: ClassVar = [
            models.Index(
                fields=["received_at"],
                condition=Q(
                    verdict__in=[
                        Verdict.PENDING,
                        Verdict.FAILED,
                        Verdict.ORPHAN,
                        Verdict.CONTRADICTS,
                    ]
                ),
                name="evidence_to_look_at",
            ),
            models.Index(fields=["payment_no"], name="evidence_by_payment_no"),
            models.Index(
                fields=["refund_no"], condition=~Q(refund_no=""), name="evidence_by_refund_no"
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["channel", "event_id"], name="evidence_once_per_event"),
            models.CheckConstraint(
                condition=Q(verdict__in=Verdict.values), name="evidence_verdict_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.verdict}"
