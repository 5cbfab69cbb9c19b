"""Places at which a process may be made to die, so that tests can prove what outlives it.

In production a point costs one comparison. A test sets `on_reach` to raise, or arms one point of a
real process, which then kills itself with SIGKILL at the n-th time that it comes by.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

POINTS = frozenset(
    {
        "callback.judged",  # all is written, and nothing is committed
        "callback.committed",  # the channel has not heard that it was taken
        "consult.claimed",  # the lease is written; the channel was not asked
        "consult.asked",  # the answers are known to this process alone
        "consult.settled",  # the rows know; nobody was woken for what follows
        "settle.written",  # status, event and evidence, not committed
        "wake.publishing",  # the row is committed; nobody is woken yet
        "task.done",  # the work is done; the worker does not know that it is
        "close.taken",  # the orders are leased; not one of them refuses payments yet
        "close.begun",  # the order refuses payments; the channel was not asked yet
        "close.asked",  # every consult will ask for the close; nobody has claimed one
        "close.queried",  # the channel said "still open"
        "close.closed",  # the channel was asked to close
        "close.queried_again",  # the channel's last word is known to this process alone
        "close.settled",  # the payment has ended; the order does not know
        "refund.requested",  # the row is committed
        "refund.claimed",  # the lease is written; the channel was not asked
        "refund.sent",  # the channel has answered; nothing is written
        "refund.stored",  # the answer is evidence that nobody has judged
        "refund.written",  # status, event and evidence, not committed
        "refund.settled",  # the refund's row knows; the order does not
        "relay.handed_over",  # the order knows; the transaction is not committed
        "message.sent",  # the provider has it; nothing is written
        "notification.sent",  # the receiver has it; nothing is written
        "answer.given",  # a request is done; its answer is not kept for a repeat
        "statement.stored",  # kept raw; nothing is compared
        "statement.compared",  # the differences are rows; the door knows nothing of the new money
    }
)

on_reach: Callable[[str], None] | None = None


def reach(point: str) -> None:
    """The process is at this point now."""
    if on_reach is not None:
        on_reach(point)


@contextmanager
def acting(act: Callable[[str], None]) -> Iterator[None]:
    """Have `act` called with each point that is reached inside of the block, in every thread."""
    global on_reach  # noqa: PLW0603  (one hook a process)
    before, on_reach = on_reach, act
    try:
        yield
    finally:
        on_reach = before


def arm(order: str) -> None:
    """Kill this process at a point: `close.queried`, or `close.queried:3` for the third time.

    Raises `ValueError` for a point that does not exist.
    """
    global on_reach  # noqa: PLW0603  (as above)
    wanted, _, nth = order.partition(":")
    if wanted not in POINTS or not (nth or "1").isdigit():
        raise ValueError(f"{order!r}: one of {', '.join(sorted(POINTS))}, and perhaps :n")
    passes, last = count(1), int(nth or 1)

    def act(point: str) -> None:
        if point == wanted and next(passes) == last:
            os.kill(os.getpid(), signal.SIGKILL)

    on_reach = act
