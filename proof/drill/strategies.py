"""The four strategies: who finds out that a channel took money. All else of the shop is the same.

Every strategy runs Nodrop itself: its web, its one door `settle`, its relay and its refunds. Only
the finding differs. The first three have no consults, no sweep, no close saga, no statements and no
watch; the article's two ask the channel by rules of their own, and settle what it says by the same
door.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from django.conf import settings
from kombu.exceptions import OperationalError as BrokerDown

from payments.models import Evidence, Payment
from payments.services import Finding, settle
from payments.services.asking import ask
from payments.states import IN_FOG, Source, Status
from proof.simulator.world import EVERYTHING, Strategy, World
from workers.schedule import ENTRIES, Entry

Task = Callable[[World, Mapping[str, Any]], None]

SCAN, CHECK = "article.scan", "article.check"
SCAN_EVERY = 3600  # seconds
SCAN_BACK = dt.timedelta(hours=3)  # how far back a scan looks
AT_ONCE = 16  # concurrent questions of a scan, as many as a batch of Nodrop's has

_FINDING = frozenset(
    {
        "workers.announce_due",
        "workers.sync_payment_result",
        "workers.close_due",
        "workers.import_statements",
        "workers.watch",  # it takes up orders that don't close, and without a saga none does
    }
)
_OTHERS = tuple(entry for entry in ENTRIES if entry.task not in _FINDING)
_WAKES = frozenset({"workers.relay_due", "workers.refund_due", "workers.notify_due"})


def _as_celery_does(task: Task) -> Task:
    """A task that breaks is logged, and the worker goes on."""

    def run(world: World, kwargs: Mapping[str, Any]) -> None:
        try:
            task(world, kwargs)
        except Exception as error:  # noqa: BLE001  (as above)
            world.note("", f"the article's task broke: {error!r}"[:200])

    return run


def scan(world: World, _kwargs: Mapping[str, Any]) -> None:
    """The article's `sync_payment_result`: each paying row of the last hours is asked about."""
    now = world.clock.now()
    paying = Payment.objects.filter(status=Status.PAYING, created_at__gte=now - SCAN_BACK)
    rows = list(paying.order_by("pk"))
    for start in range(0, len(rows), AT_ONCE):
        _find(world, rows[start : start + AT_ONCE], Source.SWEEP)


def check(world: World, kwargs: Mapping[str, Any]) -> None:
    """One delayed message of one payment: ask, and unless that ends it send the next one."""
    number, step = str(kwargs["payment_no"]), int(kwargs["step"])
    payment = Payment.objects.filter(payment_no=number, status__in=IN_FOG).first()
    if payment is None:
        return
    try:
        _find(world, [payment], Source.CONSULT)
    finally:
        payment.refresh_from_db()
        if payment.status in IN_FOG:
            send_check(world, number, step + 1, payment.created_at)


def send_check(world: World, payment_no: str, step: int, started_at: dt.datetime) -> None:
    """A countdown message on the escalating schedule; the broker is its only memory."""
    schedule = settings.CONSULT_SCHEDULE
    if step >= len(schedule):
        return
    eta = started_at + dt.timedelta(seconds=schedule[step])
    try:
        world.broker.publish(task=CHECK, kwargs={"payment_no": payment_no, "step": step}, eta=eta)
    except BrokerDown:
        world.note(payment_no, "the delayed message can't be published")


def _first_check(world: World, payment_no: str) -> None:
    now = world.clock.true_now
    world.act(world.web, lambda: send_check(world, payment_no, 0, now))


def _find(world: World, payments: Sequence[Payment], source: Source) -> None:
    """Ask the channels, and settle what they say by Nodrop's own door."""
    now = world.clock.now()
    calls = [partial(ask, payment, now, at_any_price=True) for payment in payments]
    answers = world.side_by_side(calls)
    now = world.clock.now()
    findings = [
        Finding(
            evidence=Evidence.objects.create(
                payment=payment,
                payment_no=payment.payment_no,
                channel=payment.channel,
                source=source,
                error=answer.error,
                received_at=now,
            ),
            payment_no=payment.payment_no,
            report=answer.report,
        )
        for payment, answer in zip(payments, answers, strict=True)
    ]
    settle(findings=findings, now=now)


CALLBACK = Strategy("callback only", entries=_OTHERS, wakes=_WAKES)
HOURLY = Strategy(
    "callback + hourly scan",
    entries=(*_OTHERS, Entry("The article's scan", SCAN, SCAN_EVERY, "")),
    wakes=_WAKES,
    tasks={SCAN: _as_celery_does(scan)},
)
MESSAGES = Strategy(
    "callback + delayed messages",
    entries=_OTHERS,
    wakes=_WAKES,
    tasks={CHECK: _as_celery_does(check)},
    on_start=_first_check,
)
STRATEGIES = (CALLBACK, HOURLY, MESSAGES, EVERYTHING)
