"""One row for each thing that a person has to look at."""

from typing import ClassVar

from django.db import models
from django.db.models import Q


class Alert(models.Model):
    """Something that Nodrop can't mend by itself. Open until it is resolved; then it may come anew.

    `kind` names the part of the runbook, `subject` the number of what it is about: a payment, an
    order, a refund …
    """

    kind = models.CharField(max_length=32)
    subject = models.CharField(max_length=160, blank=True)
    detail = models.TextField(blank=True)
    raised_at = models.DateTimeField()
    seen_at = models.DateTimeField(help_text="when it was last found to be so")
    times = models.PositiveIntegerField(default=1)
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.CharField(max_length=150, blank=True, help_text="empty: Nodrop")
    resolution = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-id"]
        permissions: ClassVar = [("resolve_alert", "Can resolve alerts")]
        indexes: ClassVar = [
            models.Index(
                fields=["raised_at"], condition=Q(resolved_at__isnull=True), name="alert_open"
            ),
            models.Index(fields=["subject"], name="alert_by_subject"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["kind", "subject"],
                condition=Q(resolved_at__isnull=True),
                name="one_open_alert_per_subject",
            ),
            models.CheckConstraint(
                condition=Q(resolved_at__isnull=True) | ~Q(resolution=""),
                name="a_resolution_has_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}".strip()
