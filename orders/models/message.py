"""What shoppers are told when they aren't looking, and the devices that they gave us for it."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from common.numbers import new_number
from orders.models.order import Order
from orders.states import MessageKind, MessageState, Via


def new_device_no() -> str:
    """What an app knows its registration by."""
    return new_number("D")


def new_message_no() -> str:
    """The same on every try, so that receivers can tell repeats."""
    return new_number("M")


class Device(models.Model):
    """An app or browser that wants to be told of a user's orders, or of one guest's order.

    `token` is the provider's name of it (for a browser: the address of its push service), `keys`
    encrypt what is sent to a browser. A row is never deleted, since messages refer to it: one that
    is gone has lost its token.
    """

    device_no = models.CharField(max_length=32, unique=True, default=new_device_no, editable=False)
    via = models.CharField(max_length=8, choices=Via)
    token = models.TextField(blank=True, editable=False)
    keys = models.JSONField(default=dict, editable=False)
    fingerprint = models.CharField(max_length=64, editable=False, help_text="SHA-256 of the token")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    order = models.ForeignKey(
        Order, null=True, blank=True, on_delete=models.PROTECT, related_name="devices"
    )
    language = models.CharField(max_length=16, blank=True)
    created_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True, blank=True)
    gone_why = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["owner"], condition=Q(gone_at=None), name="device_of_owner"),
            models.Index(fields=["order"], condition=Q(gone_at=None), name="device_of_order"),
            models.Index(fields=["fingerprint"], name="device_by_fingerprint"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(owner=None) ^ Q(order=None), name="device_is_a_users_or_an_orders"
            ),
            models.CheckConstraint(
                condition=Q(gone_at=None) ^ Q(token=""), name="device_that_is_gone_has_no_token"
            ),
            models.UniqueConstraint(
                fields=["owner", "fingerprint"],
                condition=Q(gone_at=None),
                name="device_once_per_owner",
            ),
            models.UniqueConstraint(
                fields=["order", "fingerprint"],
                condition=Q(gone_at=None),
                name="device_once_per_order",
            ),
        ]

    def __str__(self) -> str:
        return self.device_no


class Message(models.Model):
    """One fact for one device or address, written with the fact: due until a provider took it."""

    message_no = models.CharField(
        max_length=32, unique=True, default=new_message_no, editable=False
    )
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="messages")
    kind = models.CharField(max_length=16, choices=MessageKind)
    version = models.PositiveIntegerField(help_text="of the order, when it became true")
    via = models.CharField(max_length=8, choices=Via)
    device = models.ForeignKey(
        Device, null=True, blank=True, on_delete=models.PROTECT, related_name="messages"
    )
    address = models.EmailField(blank=True)
    language = models.CharField(max_length=16, blank=True)
    state = models.CharField(max_length=8, choices=MessageState, default=MessageState.WAITING)
    due_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveIntegerField(default=0)
    answer = models.CharField(max_length=200, blank=True, help_text="of the last try")
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes: ClassVar = [
            models.Index(
                fields=["due_at", "id"],
                condition=Q(state=MessageState.WAITING),
                name="message_due",
            ),
            models.Index(
                fields=["-id"], condition=Q(state=MessageState.FAILED), name="message_failed"
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["order", "kind", "version", "device"],
                nulls_distinct=False,
                name="told_once_per_device",
            ),
            models.CheckConstraint(
                condition=Q(state=MessageState.WAITING) ^ Q(due_at=None),
                name="message_is_due_while_waiting",
            ),
            models.CheckConstraint(
                condition=Q(via=Via.EMAIL, device=None) & ~Q(address="")
                | ~Q(via=Via.EMAIL) & Q(device__isnull=False, address=""),
                name="message_goes_to_a_device_or_an_address",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.message_no}"
