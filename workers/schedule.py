"""What beat sends, declared once. `manage.py sync_beat` writes it to the scheduler's tables.

Every entry must be harmless when it is sent twice at once: beat has no lock. Each expires with its
period, so that workers that were away don't meet a heap of stale messages.
"""

import json
from dataclasses import dataclass, field

from django.conf import settings
from django_celery_beat.models import IntervalSchedule, PeriodicTask


@dataclass(frozen=True, slots=True)
class Entry:
    """One periodic task; `every` in seconds."""

    name: str
    task: str
    every: int
    why: str
    kwargs: dict[str, float] = field(default_factory=dict)


ENTRIES = (
    Entry(
        "Announce the consults of the coming minute",
        "workers.announce_due",
        20,
        "Wake-ups are sent at most a minute ahead: no broker holds them longer.",
    ),
    Entry(
        "Sweep: sync payment results",
        "workers.sync_payment_result",
        60,
        "The backstop for lost wake-ups. hours: how far back it looks.",
        {"hours": 2160},
    ),
    Entry(
        "Relay payment events to the orders",
        "workers.relay_due",
        10,
        "The backstop for a lost wake-up of the relay, and its retries.",
    ),
    Entry(
        "Refunds that are due",
        "workers.refund_due",
        20,
        "The backstop for a lost wake-up of a refund.",
    ),
    Entry(
        "Close orders whose time is over",
        "workers.close_due",
        20,
        "The close saga: also those orders whose closing stands still.",
    ),
    Entry(
        "The inside watch",
        "workers.watch",
        60,
        "Compares payments, orders and refunds, whatever the relay says of itself.",
    ),
    Entry(
        "Send notifications that are due",
        "workers.notify_due",
        10,
        "The backstop for lost wake-ups, and the tries that are minutes or hours apart.",
    ),
    Entry(
        "Send messages to shoppers that are due",
        "workers.message_due",
        10,
        "The backstop for lost wake-ups, e-mails that wait a minute, and further tries.",
    ),
    Entry(
        "Statements of the channels",
        "workers.import_statements",
        600,
        "Fetches and compares those that are due; one that is late is tried again soon.",
    ),
    Entry(
        "Forget the API's answers of yesterday",
        "shop.forget_answers",
        3600,
        "Answers are kept for a day, for those who send a request again.",
    ),
    Entry(
        "Heartbeat of beat",
        "workers.beat_heartbeat",
        30,
        "Beat sends and a worker receives: /readyz and the admin show its age.",
    ),
)


def sync() -> list[str]:
    """Create the entries that are missing, and return their names; what ops edited stays."""
    return [entry.name for entry in ENTRIES if _create(entry)]


def _create(entry: Entry) -> bool:
    if PeriodicTask.objects.filter(task=entry.task).exists():
        return False
    interval, _ = IntervalSchedule.objects.get_or_create(
        every=entry.every, period=IntervalSchedule.SECONDS
    )
    PeriodicTask.objects.create(
        name=entry.name,
        task=entry.task,
        interval=interval,
        kwargs=json.dumps(entry.kwargs),
        queue=settings.CELERY_TASK_ROUTES[entry.task]["queue"],
        expire_seconds=entry.every,
        description=entry.why,
    )
    return True
