"""A payment: one attempt to pay one order at one channel."""

import secrets
from typing import ClassVar

from django.db import models
from django.db.models import Q

from common.numbers import new_number
from payments.states import IN_FOG, MONEY_CAME, Status

_FOG = sorted(IN_FOG)
_MONEY_CAME = sorted(MONEY_CAME)


def new_payment_no() -> str:
    """What the channel knows the payment by."""
    return new_number("P")


def new_idempotency_key() -> str:
    """The key under which the channel creates this payment once, however often it is asked."""
    return secrets.token_hex(16)


class Payment(models.Model):
    """One attempt to pay one order at one channel. `amount` is in minor units of `currency`."""

    payment_no = models.CharField(
        max_length=32, unique=True, default=new_payment_no, editable=False
    )
    order_no = models.CharField(max_length=32)
    channel = models.CharField(max_length=32)
    merchant = models.CharField(max_length=64, help_text="our account at the channel")
    subject = models.CharField(max_length=127)
    amount = models.BigIntegerField(help_text="minor units")
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=16, choices=Status, default=Status.CREATED)
    version = models.PositiveIntegerField(default=0, help_text="number of the last event")

    channel_no = models.CharField(max_length=128, blank=True, help_text="the channel's own number")
    idempotency_key = models.CharField(max_length=64, default=new_idempotency_key, editable=False)
    create_calls = models.PositiveIntegerField(default=0, help_text="counted before each call")
    return_url = models.URLField(max_length=500)
    action = models.JSONField(null=True, blank=True, help_text="what the app opens to pay")
    received_amount = models.BigIntegerField(null=True, blank=True, help_text="minor units")
    received_currency = models.CharField(max_length=3, blank=True)
    received_merchant = models.CharField(max_length=64, blank=True, default="", db_default="")
    capture_no = models.CharField(
        max_length=128,
        blank=True,
        default="",
        db_default="",
        help_text="the channel's number of the capture that paid it",
    )
    captured_total = models.BigIntegerField(
        default=0, db_default=0, help_text="all captures, minor units of the received currency"
    )
    refund_total = models.BigIntegerField(
        default=0, db_default=0, help_text="all refunds that have not failed, the same units"
    )

    created_at = models.DateTimeField(help_text="the start, by our clock")
    expires_at = models.DateTimeField(help_text="the channel takes no money after this")
    paid_at = models.DateTimeField(null=True, blank=True, help_text="by the channel's clock")
    settled_at = models.DateTimeField(null=True, blank=True, help_text="when we knew the end")
    close_asked_at = models.DateTimeField(null=True, blank=True)
    returned_at = models.DateTimeField(null=True, blank=True, help_text="shopper back from wallet")

    consult_due_at = models.DateTimeField(null=True, blank=True)
    consulted_at = models.DateTimeField(null=True, blank=True)
    consults = models.PositiveIntegerField(default=0, help_text="queries sent so far")
    slow_lane_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        permissions: ClassVar = [
            ("operate_payment", "Can query channels and replay callbacks"),
            ("refund_payment", "Can refund payments"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["order_no"], name="payment_by_order"),
            models.Index(
                fields=["consult_due_at", "id"],
                condition=Q(consult_due_at__isnull=False),
                name="payment_consult_due",
            ),
            models.Index(
                fields=["id"],
                condition=Q(status__in=_FOG, consult_due_at__isnull=True),
                name="payment_in_fog_without_due",
            ),
            models.Index(fields=["status", "-id"], name="payment_by_status"),
            models.Index(
                fields=["settled_at"],
                condition=Q(status__in=_MONEY_CAME),
                name="payment_money_came",
            ),
            models.Index(
                fields=["channel", "paid_at"],
                condition=Q(status__in=_MONEY_CAME),
                name="payment_paid_on_a_day",
            ),
            models.Index(fields=["channel", "id"], name="payment_by_channel"),
            models.Index(
                fields=["channel_no"], condition=~Q(channel_no=""), name="payment_by_channel_no"
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["order_no"],
                condition=Q(status__in=_FOG),
                name="one_payment_in_the_fog_per_order",
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payment_amount_positive"),
            models.CheckConstraint(
                condition=Q(currency__regex=r"^[A-Z]{3}$"), name="payment_currency_is_iso_4217"
            ),
            models.CheckConstraint(
                condition=Q(payment_no__regex=r"^[0-9A-Za-z]{16,32}$"),
                name="payment_no_accepted_by_channels",
            ),
            models.CheckConstraint(
                condition=Q(status__in=Status.values), name="payment_status_known"
            ),
            models.CheckConstraint(
                condition=~Q(status=Status.SUCCEEDED)
                | Q(received_amount=models.F("amount"), received_currency=models.F("currency")),
                name="succeeded_received_what_was_asked",
            ),
            models.CheckConstraint(
                condition=Q(status__in=_FOG) | Q(consult_due_at__isnull=True),
                name="only_the_fog_is_consulted",
            ),
            models.CheckConstraint(
                condition=Q(status__in=_FOG) | Q(settled_at__isnull=False),
                name="an_end_has_a_time",
            ),
            models.CheckConstraint(
                condition=Q(refund_total__gte=0, refund_total__lte=models.F("captured_total")),
                name="never_more_refunded_than_captured",
            ),
        ]

    def __str__(self) -> str:
        return self.payment_no

    @property
    def in_fog(self) -> bool:
        return self.status in IN_FOG

    @property
    def refundable(self) -> int:
        """What may still be given back, in minor units of the received currency."""
        return self.captured_total - self.refund_total
