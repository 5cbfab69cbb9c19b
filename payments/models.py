"""Payments, what happened to them, and what we learned about them.

Rows are the record of what is to be done: `consult_due_at` and `relay_due_at` are the queues, and
their partial indexes keep the cost of reading them with the rows that are due, not with all rows.
"""

import secrets
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Length
from django.utils import timezone

from common.numbers import new_number
from payments.states import IN_FOG, Source, Status, Verdict

_FOG = sorted(IN_FOG)

models.CharField.register_lookup(Length)


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
        permissions: ClassVar = [("operate_payment", "Can query channels and replay callbacks")]
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
        ]

    def __str__(self) -> str:
        return self.payment_no

    @property
    def in_fog(self) -> bool:
        return self.status in IN_FOG


class Evidence(models.Model):
    """What we learned about a payment, raw, kept whatever becomes of it; only its verdict changes.

    A callback is stored before it is judged. `payment` is empty for an orphan; `body` is empty for
    a consult that told nothing new.
    """

    payment = models.ForeignKey(
        Payment, null=True, blank=True, on_delete=models.PROTECT, related_name="evidence"
    )
    payment_no = models.CharField(max_length=64, blank=True, help_text="as the channel wrote it")
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
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["channel", "event_id"], name="evidence_once_per_event"),
            models.CheckConstraint(
                condition=Q(verdict__in=Verdict.values), name="evidence_verdict_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.verdict}"


class PaymentEvent(models.Model):
    """One transition of a payment, and the outbox: due until the order side has consumed it."""

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="events")
    seq = models.PositiveIntegerField()
    from_status = models.CharField(max_length=16, choices=Status, blank=True)
    to_status = models.CharField(max_length=16, choices=Status)
    source = models.CharField(max_length=16, choices=Source)
    evidence = models.ForeignKey(Evidence, null=True, on_delete=models.PROTECT, related_name="+")
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


class Heartbeat(models.Model):
    """When a part that nobody watches was last alive: beat, sweep, relay."""

    name = models.CharField(max_length=32, primary_key=True)
    beat_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name
