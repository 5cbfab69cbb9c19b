"""What may be sent now, and by whom: one worker at a time delivers to an endpoint.

The lease comes before the sending, so that a crash anywhere leaves notifications that are due.
"""

import datetime as dt
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet

from common import wake
from orders.models import Endpoint, Notification
from orders.notifications import NOTIFY_DUE
from orders.states import NotificationState

ENDPOINTS = 8  # that one task takes on
BATCH = 16  # notifications of an endpoint that are sent at once
LEASE = dt.timedelta(seconds=30)  # longer than any batch takes
REST = dt.timedelta(seconds=5)  # for an endpoint that answered nothing

WAITING = NotificationState.WAITING


@dataclass(slots=True, kw_only=True)
class Batch:
    """The notifications of one endpoint that are being sent under one lease."""

    endpoint: Endpoint
    lease_until: dt.datetime
    notifications: list[Notification]
    left: int = field(init=False)
    answered: bool = False

    def __post_init__(self) -> None:
        self.left = len(self.notifications)


def claim(*, now: dt.datetime) -> list[Batch]:
    """Lease the endpoints that have something due, and find what may be sent to each."""
    endpoints = _lease(now)
    if len(endpoints) == ENDPOINTS:
        wake.wake(task=NOTIFY_DUE)
    return [
        Batch(
            endpoint=endpoint,
            lease_until=now + LEASE,
            notifications=list(sendable(endpoint_id=endpoint.pk, now=now)[:BATCH]),
        )
        for endpoint in endpoints
    ]


def release(batch: Batch, *, now: dt.datetime) -> None:
    """Give the endpoint back; wakes a worker if more is due. What answered nothing rests first."""
    silent = batch.notifications and not batch.answered
    free_at = now + REST if silent else batch.lease_until - LEASE
    ours = Endpoint.objects.filter(pk=batch.endpoint.pk, lease_until=batch.lease_until)
    more = sendable(endpoint_id=batch.endpoint.pk, now=now)
    if ours.update(lease_until=free_at) and more.exists():
        wake.announce(task=NOTIFY_DUE, due_at=free_at, now=now)


def sendable(*, endpoint_id: int | OuterRef, now: dt.datetime) -> QuerySet[Notification]:
    """What is due and the first of its order that waits: a later one never overtakes it."""
    earlier = Notification.objects.filter(
        endpoint_id=OuterRef("endpoint_id"),
        order_id=OuterRef("order_id"),
        state=WAITING,
        pk__lt=OuterRef("pk"),
    )
    due = Notification.objects.filter(endpoint_id=endpoint_id, state=WAITING, due_at__lte=now)
    return due.exclude(Exists(earlier)).order_by("due_at")  # as the index has them: no sorting


@transaction.atomic
def _lease(now: dt.datetime) -> list[Endpoint]:
    """Take free endpoints, those that were served longest ago first; skip what others take."""
    due = sendable(endpoint_id=OuterRef("pk"), now=now)
    endpoints = list(
        Endpoint.objects.select_for_update(skip_locked=True, no_key=True)
        .filter(Exists(due), active=True)
        .exclude(lease_until__gt=now)
        .order_by(F("lease_until").asc(nulls_first=True), "pk")[:ENDPOINTS]
    )
    if endpoints:
        leased = Endpoint.objects.filter(pk__in=[endpoint.pk for endpoint in endpoints])
        leased.update(lease_until=now + LEASE)
    return endpoints
