"""What the payment side can do for the relay; the relay itself knows both domains."""

import datetime as dt
from collections.abc import Iterable

from django.db import transaction

from payments import wake
from payments.models import PaymentEvent, RefundEvent


def relay_woken() -> None:
    """The relay is about to look for due events."""
    wake.woken(wake.RELAY_DUE)


@transaction.atomic
def retry_relay(
    *,
    event_ids: Iterable[int],
    now: dt.datetime,
    kind: type[PaymentEvent] | type[RefundEvent] = PaymentEvent,
) -> int:
    """Have events that wait for their next try handed over now; returns how many waited."""
    waiting = kind.objects.filter(pk__in=event_ids, relayed_at=None)
    count = waiting.update(relay_due_at=now)
    wake.relay_on_commit()
    return count
