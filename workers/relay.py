"""Carries payment events to the order side, each exactly once.

The same loop as the consults: claim what is due, push it into the future, hand it over, confirm.
An event is handed over and confirmed in one transaction. The row lock spares double work; that the
order side takes each event once is its own guarantee.
"""

import datetime as dt

import structlog
from django.db import transaction
from django.db.models import F

from orders import services as orders
from payments.models import Payment, PaymentEvent, RelayFailure
from payments.services import heartbeat, relay_woken, wake_relay
from payments.states import IN_FOG, Status

log = structlog.get_logger(__name__)

BATCH = 100
LEASE = dt.timedelta(seconds=30)
LONGEST_DELAY = 3600.0  # seconds
ALERT_FROM = 5  # failures of one event


def relay_due(*, now: dt.datetime) -> int:
    """Hand over one batch of due events; returns how many were taken on."""
    relay_woken()
    events = _claim(now)
    if len(events) == BATCH:
        wake_relay()
    for event in events:
        try:
            _hand_over(event, now)
        except Exception as error:
            log.exception("relay_failed", payment_no=event.payment.payment_no, seq=event.seq)
            _postpone(event, error, now)
    heartbeat(name="relay", now=now)
    return len(events)


def delay_after(failures: int) -> float:
    """Seconds until the next try: 1, 2, 4 … up to an hour, for ever."""
    return float(min(2 ** (failures - 1), LONGEST_DELAY))


@transaction.atomic
def _claim(now: dt.datetime) -> list[PaymentEvent]:
    events = list(
        PaymentEvent.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
        .select_related("payment")
        .filter(relay_due_at__lte=now)
        .order_by("relay_due_at", "pk")[:BATCH]
    )
    PaymentEvent.objects.filter(pk__in=[event.pk for event in events]).update(
        relay_due_at=now + LEASE
    )
    return events


@transaction.atomic
def _hand_over(event: PaymentEvent, now: dt.datetime) -> None:
    confirmed = PaymentEvent.objects.filter(pk=event.pk, relayed_at=None).update(
        relayed_at=now, relay_due_at=None
    )
    if confirmed:
        _tell_order(event, event.payment, now)


def _tell_order(event: PaymentEvent, payment: Payment, now: dt.datetime) -> None:
    to = Status(event.to_status)
    if to not in (Status.SUCCEEDED, Status.MISPAID):
        orders.record_attempt(
            order_no=payment.order_no,
            payment_no=payment.payment_no,
            seq=event.seq,
            over=to not in IN_FOG,
        )
        return
    if payment.received_amount is None:
        raise ValueError("a payment that received money must say how much")
    record = orders.record_payment if to == Status.SUCCEEDED else orders.record_mispayment
    record(
        order_no=payment.order_no,
        payment_no=payment.payment_no,
        seq=event.seq,
        amount=payment.received_amount,
        currency=payment.received_currency,
        now=now,
    )


def _postpone(event: PaymentEvent, error: Exception, now: dt.datetime) -> None:
    failures = event.relay_failures + 1
    due_at = now + dt.timedelta(seconds=delay_after(failures))
    PaymentEvent.objects.filter(pk=event.pk, relayed_at=None).update(
        relay_failures=F("relay_failures") + 1, relay_due_at=due_at
    )
    RelayFailure.objects.create(event=event, at=now, error=repr(error))
    if failures >= ALERT_FROM:
        log.error("alert.relay", payment_no=event.payment.payment_no, failures=failures)
