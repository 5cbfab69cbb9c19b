"""The Celery tasks: read the clock, make one call. Messages of another release may carry more."""

from celery import shared_task
from django.utils import timezone

from payments import services
from payments.services import heartbeat
from workers import relay


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


@shared_task(name="workers.beat_heartbeat")
def beat_heartbeat(**_future: object) -> None:
    """Note that beat sends and a worker receives."""
    heartbeat(name="beat", now=timezone.now())
