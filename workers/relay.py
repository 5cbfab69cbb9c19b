"""Carries payment and refund events to the order side, each exactly once.

The same loop as the consults: claim what is due, push it into the future, hand it over, confirm.
An event is handed over and confirmed in one transaction. The row lock spares double work; that the
order side takes each event once is its own guarantee.
"""

import datetime as dt
from collections.abc import Callable
from typing import TypeVar

import structlog
from django.db import transaction
from django.db.models import F

from alerts.services import raise_alert, withdraw_alert
from common.kill_points import reach
from payments.models import PaymentEvent, RefundEvent, RelayFailure
from payments.services import heartbeat, relay_woken, wake_relay
from workers.telling import tell_of_payment, tell_of_refund

log = structlog.get_logger(__name__)

BATCH = 100
LEASE = dt.timedelta(seconds=30)
LONGEST_DELAY = 3600.0  # seconds
ALERT_FROM = 5  # failures of one event

Event = TypeVar("Event", PaymentEvent, RefundEvent)


def relay_due(*, now: dt.datetime) -> int:
    """Hand over one batch of due events of each kind; returns how many were taken on."""
    relay_woken()
    payments = _relay(_claim(PaymentEvent, "payment", "capture", now=now), tell_of_payment, now)
    refunds = _relay(_claim(RefundEvent, "refund__payment", now=now), tell_of_refund, now)
    heartbeat(name="relay", now=now)
    return payments + refunds


def delay_after(failures: int) -> float:
    """Seconds until the next try: 1, 2, 4 … up to an hour, for ever."""
    return float(min(2 ** (failures - 1), LONGEST_DELAY))


def _relay(
    events: list[Event], tell: Callable[[Event, dt.datetime], None], now: dt.datetime
) -> int:
    if len(events) == BATCH:
        wake_relay()
    for event in events:
        try:
            _hand_over(event, tell, now)
        except Exception as error:
            log.exception("relay_failed", subject=_subject(event), seq=event.seq)
            _postpone(event, error, now)
    return len(events)


@transaction.atomic
def _claim(kind: type[Event], *related: str, now: dt.datetime) -> list[Event]:
    events = list(
        kind.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
        .select_related(*related)
        .filter(relay_due_at__lte=now)
        .order_by("relay_due_at", "pk")[:BATCH]
    )
    if events:
        kind.objects.filter(pk__in=[event.pk for event in events]).update(relay_due_at=now + LEASE)
    return events


@transaction.atomic
def _hand_over(event: Event, tell: Callable[[Event, dt.datetime], None], now: dt.datetime) -> None:
    confirmed = type(event).objects.filter(pk=event.pk, relayed_at=None)
    if not confirmed.update(relayed_at=now, relay_due_at=None):
        return
    tell(event, now)
    if event.relay_failures >= ALERT_FROM:
        withdraw_alert("alert.relay", subject=_subject(event), why="the order was told", now=now)
    reach("relay.handed_over")


@transaction.atomic
def _postpone(event: Event, error: Exception, now: dt.datetime) -> None:
    failures = event.relay_failures + 1
    due_at = now + dt.timedelta(seconds=delay_after(failures))
    waiting = type(event).objects.filter(pk=event.pk, relayed_at=None)
    waiting.update(relay_failures=F("relay_failures") + 1, relay_due_at=due_at)
    if isinstance(event, PaymentEvent):
        RelayFailure.objects.create(event=event, at=now, error=repr(error))
    else:
        waiting.update(relay_error=repr(error))
    if failures >= ALERT_FROM:
        detail = f"the order could not be told {failures} times: {error!r}"
        raise_alert("alert.relay", subject=_subject(event), detail=detail, now=now)


def _subject(event: PaymentEvent | RefundEvent) -> str:
    return event.payment.payment_no if isinstance(event, PaymentEvent) else event.refund.refund_no
