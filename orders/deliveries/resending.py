"""What operators have sent anew. The receiver knows repeats by their ids."""

import datetime as dt

from django.db import transaction

from alerts.services import withdraw_alert
from common import wake
from orders.models import Endpoint, Notification
from orders.notifications import NOTIFY_DUE
from orders.states import NotificationState

PAGE = 1000


@transaction.atomic
def resend(*, notification_id: int, now: dt.datetime) -> Notification:
    """Send one anew, delivered or not, with all of its tries. Raises `Notification.DoesNotExist`.

    To an endpoint that is not active it is sent as soon as that is active again.
    """
    notification = Notification.objects.select_for_update(no_key=True).get(pk=notification_id)
    _make_due([notification], now)
    notification.refresh_from_db()
    return notification


def resend_since(*, endpoint_id: int, since: dt.datetime, now: dt.datetime) -> int:
    """Send everything anew that was written for an endpoint since then; returns how many.

    In the order of the facts for each order. Works in pages: after a crash, ask again.
    """
    count, last = 0, 0
    while page := _resend_page(endpoint_id, since, last, now):
        count, last = count + len(page), page[-1].pk
    return count


@transaction.atomic
def _resend_page(
    endpoint_id: int, since: dt.datetime, after: int, now: dt.datetime
) -> list[Notification]:
    page = list(
        Notification.objects.select_for_update(no_key=True)
        .filter(endpoint_id=endpoint_id, created_at__gte=since, pk__gt=after)
        .order_by("pk")[:PAGE]
    )
    _make_due(page, now)
    return page


def _make_due(notifications: list[Notification], now: dt.datetime) -> None:
    """The rows are locked in the order of their ids, as those who record tries lock them."""
    Notification.objects.filter(pk__in=[each.pk for each in notifications]).update(
        state=NotificationState.WAITING, tries=0, due_at=now, delivered_at=None
    )
    given_up = {
        each.endpoint_id for each in notifications if each.state == NotificationState.FAILED
    }
    failed = Notification.objects.filter(state=NotificationState.FAILED)
    mended = Endpoint.objects.filter(pk__in=given_up).exclude(
        pk__in=failed.filter(endpoint__in=given_up).values("endpoint")
    )
    for endpoint in mended:
        withdraw_alert(
            "alert.notification_failed",
            subject=endpoint.name,
            why="all that had failed is sent anew",
            now=now,
        )
    wake.wake_on_commit(task=NOTIFY_DUE)
