"""The loop: claim what is due, send it, record what came of each, give the endpoint back.

An endpoint is given back as soon as its own batch is done, and no try takes longer than `SECONDS`:
one that hangs holds up nobody else.
"""

import datetime as dt
import time
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing

import structlog

from common import wake
from common.kill_points import reach
from orders.deliveries.claiming import Batch, claim, release
from orders.deliveries.posting import Outcome, Parcel, post
from orders.deliveries.recording import record
from orders.models import Endpoint, Notification
from orders.notifications import NOTIFY_DUE

log = structlog.get_logger(__name__)

SECONDS = 10.0  # from the beginning to the status line of the answer
GRACE = 2.0  # seconds more, after which a thread that waits for a name server is given up
UNRESOLVED = Outcome(status=None, answer="no answer in time: not even its name's", seconds=SECONDS)


def deliver_due(*, now: dt.datetime) -> int:
    """Send one batch to each endpoint that has notifications due; returns how many were tried."""
    wake.woken(task=NOTIFY_DUE)
    started = time.monotonic()
    batches = claim(now=now)
    for batch in batches:
        if not batch.notifications:  # all that is due waits for its turn
            release(batch, now=now)
    with closing(_send(batches, now, started + SECONDS)) as outcomes:
        for batch, notification, outcome in outcomes:
            reach("notification.sent")
            _record(batch, notification, outcome, now=_later(now, started))
    return sum(len(batch.notifications) for batch in batches)


def _send(
    batches: Sequence[Batch], now: dt.datetime, ends_at: float
) -> Generator[tuple[Batch, Notification, Outcome]]:
    """Send all at once, and give what came of each as it comes. The threads touch no ORM."""
    work = [(batch, notification) for batch in batches for notification in batch.notifications]
    pool = ThreadPoolExecutor(max_workers=max(1, len(work)), thread_name_prefix="notify")
    sent = {
        pool.submit(post, _parcel(batch.endpoint, notification, now, ends_at)): (
            batch,
            notification,
        )
        for batch, notification in work
    }
    try:
        for future in as_completed(sent, timeout=ends_at + GRACE - time.monotonic()):
            yield *sent.pop(future), future.result()
    except TimeoutError:
        for future, (batch, notification) in sent.items():
            yield batch, notification, future.result() if future.done() else UNRESOLVED
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _parcel(
    endpoint: Endpoint, notification: Notification, now: dt.datetime, ends_at: float
) -> Parcel:
    sealed = [endpoint.secret]
    if endpoint.former_secret_until and endpoint.former_secret_until > now:
        sealed.append(endpoint.former_secret)
    return Parcel(
        url=endpoint.url,
        message_id=notification.message_id,
        body=notification.body,
        sealed=tuple(sealed),
        at=now,
        ends_at=ends_at,
    )


def _record(
    batch: Batch, notification: Notification, outcome: Outcome, *, now: dt.datetime
) -> None:
    """One that can't be recorded is sent again after the lease, and stops no other."""
    try:
        record(notification=notification, outcome=outcome, now=now)
    except Exception:
        log.exception("delivery_not_recorded", message_id=notification.message_id)
        return
    log.info(
        "notification_sent" if outcome.delivered else "notification_not_taken",
        message_id=notification.message_id,
        endpoint=batch.endpoint.name,
        type=notification.type,
        status=outcome.status,
        seconds=outcome.seconds,
    )
    batch.answered = batch.answered or outcome.status is not None
    batch.left -= 1
    if not batch.left:
        release(batch, now=now)


def _later(now: dt.datetime, started: float) -> dt.datetime:
    """`now`, and what a stopwatch says has passed since: the clock itself is the caller's."""
    return now + dt.timedelta(seconds=time.monotonic() - started)
