"""The wake-ups of the payment side; how they are sent stands in `common.wake`."""

import datetime as dt

from common import wake

AHEAD = wake.AHEAD

CONSULT_DUE = "workers.consult_due"
RELAY_DUE = "workers.relay_due"
TASK_NAMES = (CONSULT_DUE, RELAY_DUE)


def consult_on_commit(*, due_at: dt.datetime, now: dt.datetime) -> None:
    """Wake a worker when `due_at` has come, once the row that says so is committed."""
    wake.announce_on_commit(task=CONSULT_DUE, due_at=due_at, now=now)


def announce_consult(*, due_at: dt.datetime, now: dt.datetime) -> None:
    """Publish the wake-up of a second, unless it is far away or announced already."""
    wake.announce(task=CONSULT_DUE, due_at=due_at, now=now)


def relay_on_commit() -> None:
    """Wake the relay as soon as the events are committed."""
    wake.wake_on_commit(task=RELAY_DUE)


def wake_relay() -> None:
    """Wake the relay at once, unless a wake-up of it is under way."""
    wake.wake(task=RELAY_DUE)


def woken(name: str) -> None:
    """A worker has taken a wake-up and now looks for due rows: who comes later must wake anew."""
    wake.woken(task=name)
