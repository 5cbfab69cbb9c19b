"""The stories. Each buys an umbrella, makes something go wrong, and waits for the truth."""

import os
import time
from collections.abc import Callable, Sequence

from django.conf import settings
from redis import Redis

from config.processes import Processes
from demo import shopper
from demo.money_stories import closed_while_paying, late_money, paid_twice
from demo.results import Result
from demo.telling import begin, end
from payments.services.consulting import OVERDUE
from payments.states import Source

PATIENCE = 150.0  # seconds: the sweep comes once a minute


def callback_lost(parts: Processes) -> Result:
    """The consult of the schedule finds what the callback would have told."""
    purchase, screen = begin("1. The callback is lost", parts)
    shopper.set_faults(purchase, wallet=parts.url("wallet"), lose_callback=1)
    screen.say("the shopper pays in the wallet, and the wallet loses the callback")
    shopper.pay(purchase)
    screen.watch(until=screen.is_over, patience=PATIENCE)
    return end("callback lost", purchase, screen, parts)


def callback_arrives(parts: Processes) -> Result:
    """The ordinary day."""
    purchase, screen = begin("2. The callback arrives", parts)
    screen.say("the shopper pays in the wallet")
    shopper.pay(purchase)
    screen.watch(until=screen.is_over, patience=PATIENCE)
    return end("callback arrives", purchase, screen, parts)


def callback_twenty_times(parts: Processes) -> Result:
    """Twenty copies at once make one settlement."""
    purchase, screen = begin("3. The callback arrives twenty times at once", parts)
    faults = {"probability": 1, "count": 20}
    shopper.set_faults(purchase, wallet=parts.url("wallet"), duplicate_callback=faults)
    screen.say("the shopper pays in the wallet, which sends the callback twenty times at once")
    shopper.pay(purchase)

    def all_have_come() -> bool:
        evidence = screen.payment.evidence.filter(source=Source.CALLBACK)
        return sum(row.times_received for row in evidence) == 20 and screen.is_over()

    if screen.watch(until=all_have_come, patience=PATIENCE):
        screen.say("all twenty were taken: one settled the payment, nineteen were only counted")
    return end("callback twenty times at once", purchase, screen, parts)


def everything_forgotten(parts: Processes) -> Result:
    """Worker and broker lose all they held: the rows remember."""
    purchase, screen = begin("4. Worker killed, broker flushed, callback lost", parts)
    shopper.set_faults(purchase, wallet=parts.url("wallet"), lose_callback=1)
    screen.say("the worker is killed (SIGKILL), with the wake-up that it held")
    parts.kill("worker")
    screen.say("the broker is flushed: no message is left anywhere")
    _flush_broker()
    screen.say("the shopper pays in the wallet, and the wallet loses the callback")
    shopper.pay(purchase)
    overdue = time.monotonic() + settings.CONSULT_SCHEDULE[0] + OVERDUE.total_seconds() + 1
    screen.watch(until=lambda: time.monotonic() > overdue, patience=PATIENCE)
    parts.start("worker")
    screen.say("a worker is back, and knows nothing; beat sends the sweep once a minute")
    screen.watch(until=screen.is_over, patience=PATIENCE)
    return end("worker killed, broker flushed", purchase, screen, parts)


STORIES: Sequence[Callable[[Processes], Result]] = (
    callback_lost,
    callback_arrives,
    callback_twenty_times,
    everything_forgotten,
    late_money,
    paid_twice,
    closed_while_paying,
)


def _flush_broker() -> None:
    """Empty the embedded broker; of a Redis that is yours, only what is Nodrop's."""
    redis = Redis.from_url(settings.REDIS_URL)
    if not os.environ.get("REDIS_URL"):
        redis.flushall()
    elif keys := list(redis.scan_iter("nodrop*")):
        redis.delete(*keys)
