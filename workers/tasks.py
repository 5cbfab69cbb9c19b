"""The Celery tasks: read the clock, make one call. Messages of another release may carry more."""

from celery import shared_task
from django.utils import timezone

from orders import messages
from orders.deliveries import deliver_due
from payments import services
from payments.services import heartbeat, statements
from workers import closing, relay
from workers import watch as inside


@shared_task(name="workers.consult_due")
def consult_due(**_future: object) -> None:
    """Consult the channels about one batch of payments that are due."""
    services.consult_due(now=timezone.now())


@shared_task(name="workers.announce_due")
def announce_due(**_future: object) -> None:
    """Publish the wake-ups of the coming minute."""
    services.announce_due(now=timezone.now())


@shared_task(name="workers.sync_payment_result")
def sync_payment_result(*, hours: float = 2160, **_future: object) -> None:
    """The sweep: consult about everything overdue that was started within `hours`."""
    services.sweep(now=timezone.now(), hours=hours)


@shared_task(name="workers.relay_due")
def relay_due(**_future: object) -> None:
    """Hand the payment events that are due to the order side."""
    relay.relay_due(now=timezone.now())


@shared_task(name="workers.refund_due")
def refund_due(**_future: object) -> None:
    """Send or query one batch of refunds that are due."""
    services.refund_due(now=timezone.now())


@shared_task(name="workers.close_due")
def close_due(**_future: object) -> None:
    """Close the orders whose time is over, and their payments at the channels."""
    closing.close_due(now=timezone.now())


@shared_task(name="workers.watch")
def watch(**_future: object) -> None:
    """Compare the two sides, and mend what differs."""
    inside.watch(now=timezone.now())


@shared_task(name="workers.notify_due")
def notify_due(**_future: object) -> None:
    """Send a batch of notifications to each endpoint that has some due."""
    deliver_due(now=timezone.now())


@shared_task(name="workers.message_due")
def message_due(**_future: object) -> None:
    """Send a batch of messages to shoppers who aren't looking."""
    messages.message_due(now=timezone.now())


@shared_task(name="workers.import_statements")
def import_statements(**_future: object) -> None:
    """Fetch the channels' statements of the last days, and compare them."""
    statements.import_statements(now=timezone.now())


@shared_task(name="workers.beat_heartbeat")
def beat_heartbeat(**_future: object) -> None:
    """Note that beat sends and a worker receives."""
    heartbeat(name="beat", now=timezone.now())
