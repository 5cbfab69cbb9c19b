"""The wake-ups of the payment side; how they are sent stands in `common.wake`."""

import datetime as dt
from collections.abc import Iterable

from common import wake

AHEAD = wake.AHEAD

CONSULT_DUE = "workers.consult_due"
RELAY_DUE = "workers.relay_due"
REFUND_DUE = "workers.refund_due"
TASK_NAMES = (CONSULT_DUE, RELAY_DUE, REFUND_DUE)


def consult_on_commit(*, due_at: dt.datetime, now: dt.datetime) -> None:
    """Wake a worker when `due_at` has come, once the row that says so is committed."""
    wake.announce_on_commit(task=CONSULT_DUE, due_at=due_at, now=now)


def announce_consult(*, due_at: dt.datetime, now: dt.datetime) -> None:
    """Publish the wake-up of a second, unless it is far away or announced already."""
    wake.announce(task=CONSULT_DUE, due_at=due_at, now=now)


def refund_on_commit(*, due_at: dt.datetime, now: dt.datetime) -> None:
    """The same for a refund."""
    wake.announce_on_commit(task=REFUND_DUE, due_at=due_at, now=now)


def announce_each(task: str, due_times: Iterable[dt.datetime], now: dt.datetime) -> None:
    """Wake a worker once for each second of the coming minute in which one of them is due."""
    seconds = {due_at.replace(microsecond=0) for due_at in due_times}
    for second in sorted(seconds):
        wake.announce(task=task, due_at=second + dt.timedelta(seconds=1), now=now)


def relay_on_commit() -> None:
    """Wake the relay as soon as the events are committed."""
    wake.wake_on_commit(task=RELAY_DUE)


def wake_relay() -> None:
    """Wake the relay at once, unless a wake-up of it is under way."""
    wake.wake(task=RELAY_DUE)


def woken(name: str) -> None:
    """A worker has taken a wake-up and now looks for due rows: who comes later must wake anew."""
    wake.woken(task=name)
