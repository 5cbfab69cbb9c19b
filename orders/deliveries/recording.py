"""What follows from a try: delivered, tried again after a while, or given up and kept."""

import datetime as dt

from django.db import transaction
from django.db.models import F, QuerySet

from alerts.services import raise_alert
from common import wake
from orders.deliveries.posting import Outcome
from orders.models import DeliveryTry, Notification
from orders.notifications import NOTIFY_DUE
from orders.states import NotificationState

# Seconds from each failed try to the next: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h.
SCHEDULE = (5, 300, 1800, 7200, 18000, 36000, 36000)


@transaction.atomic
def record(*, notification: Notification, outcome: Outcome, now: dt.datetime) -> None:
    """Write down a try, and what follows from it."""
    DeliveryTry.objects.create(
        notification=notification, at=now, seconds=outcome.seconds, answer=outcome.answer
    )
    if outcome.delivered:
        _end(notification, NotificationState.DELIVERED, now)
    elif notification.tries < len(SCHEDULE):
        _postpone(notification, now)
    elif _end(notification, NotificationState.FAILED, now):
        # One alert for each endpoint: one that is down for a day would fill the list.
        raise_alert(
            "alert.notification_failed",
            subject=notification.endpoint.name,
            detail=f"{notification.type} of order {notification.order.order_no} "
            f"({notification.message_id}): {outcome.answer}",
            now=now,
        )


def _end(notification: Notification, state: NotificationState, now: dt.datetime) -> bool:
    """No more tries; the next one of the order has its turn."""
    delivered_at = now if state is NotificationState.DELIVERED else None
    ended = _as_it_was_claimed(notification).update(
        state=state, due_at=None, delivered_at=delivered_at, tries=F("tries") + 1
    )
    _behind(notification).filter(due_at__gt=now).update(due_at=now)
    return bool(ended)


def _postpone(notification: Notification, now: dt.datetime) -> None:
    """Try again after a while; what waits behind it needs no look until then."""
    due_at = now + dt.timedelta(seconds=SCHEDULE[notification.tries])
    if _as_it_was_claimed(notification).update(due_at=due_at, tries=F("tries") + 1):
        _behind(notification).filter(due_at__lt=due_at).update(due_at=due_at)
        wake.announce_on_commit(task=NOTIFY_DUE, due_at=due_at, now=now)


def _as_it_was_claimed(notification: Notification) -> QuerySet[Notification]:
    """The row, unless an operator has asked in the meantime that it be sent anew."""
    return Notification.objects.filter(
        pk=notification.pk, state=NotificationState.WAITING, tries=notification.tries
    )


def _behind(notification: Notification) -> QuerySet[Notification]:
    return Notification.objects.filter(
        endpoint_id=notification.endpoint_id,
        order_id=notification.order_id,
        state=NotificationState.WAITING,
        pk__gt=notification.pk,
    )
