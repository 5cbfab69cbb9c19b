"""What is told to the systems that fulfil orders, and who they are."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from orders.models.order import Order
from orders.states import NotificationState


class Endpoint(models.Model):
    """A system that is told what becomes of orders. Only operators configure one."""

    name = models.CharField(max_length=64, unique=True)
    url = models.URLField(max_length=500)
    secret = models.TextField(editable=False, help_text="encrypted; signs what is sent")
    former_secret = models.TextField(
        blank=True, db_default="", editable=False, help_text="encrypted; signs as well for a while"
    )
    former_secret_until = models.DateTimeField(null=True, blank=True, editable=False)
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField()
    lease_until = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="until then one worker delivers to it"
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Notification(models.Model):
    """One fact for one endpoint, written with the fact: due until the endpoint has taken it.

    `message_id` lets the receiver tell repeats; `body` is sent, and signed, as it stands here.
    """

    endpoint = models.ForeignKey(Endpoint, on_delete=models.PROTECT, related_name="notifications")
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="notifications")
    message_id = models.CharField(max_length=64)
    type = models.CharField(max_length=32)
    body = models.TextField()
    state = models.CharField(
        max_length=16, choices=NotificationState, default=NotificationState.WAITING
    )
    due_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveIntegerField(default=0, help_text="since it was written or sent anew")
    created_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        permissions: ClassVar = [("resend_notification", "Can send notifications anew")]
        indexes: ClassVar = [
            models.Index(
                fields=["endpoint", "due_at"],
                condition=Q(state=NotificationState.WAITING),
                name="notification_due",
            ),
            models.Index(
                fields=["endpoint", "order", "id"],
                condition=Q(state=NotificationState.WAITING),
                name="notification_first_of_order",
            ),
            models.Index(fields=["message_id"], name="notification_by_message_id"),
            models.Index(
                fields=["-id"],
                condition=Q(state=NotificationState.FAILED),
                name="notification_failed",
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["endpoint", "message_id"], name="notified_once_per_endpoint"
            ),
            models.CheckConstraint(
                condition=Q(state=NotificationState.WAITING) ^ Q(due_at__isnull=True),
                name="notification_is_due_while_waiting",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.message_id}"


class DeliveryTry(models.Model):
    """One try to deliver a notification, and what came of it."""

    notification = models.ForeignKey(
        Notification, on_delete=models.PROTECT, related_name="delivery_tries"
    )
    at = models.DateTimeField()
    seconds = models.FloatField()
    answer = models.CharField(max_length=200, help_text="the HTTP status, or why there was none")

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "delivery tries"

    def __str__(self) -> str:
        return self.answer
