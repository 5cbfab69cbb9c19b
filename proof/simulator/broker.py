"""The broker and the cache, as Redis and Celery were measured to behave.

A worker fetches a message with an ETA at once and holds it, unacknowledged, until it is due.
Messages are acknowledged before they run. A SIGKILL: what was held comes back after the visibility
timeout. FLUSHALL with the worker alive: what it holds still runs. Both: all of it is lost.
"""

import datetime as dt
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from kombu.exceptions import OperationalError
from kombu.utils import json
from limits import RateLimitItem

from proof.simulator.clock import Clock
from proof.simulator.process import Process

if TYPE_CHECKING:
    from proof.simulator.world import World

VISIBILITY = 300.0  # seconds, as in the settings
RESTORE = 100.0  # seconds until kombu looks for what became visible again
FETCH = 0.01  # seconds


@dataclass(frozen=True, slots=True)
class Message:
    """A task's name and its arguments, as JSON; nothing for a task without any."""

    number: int
    task: str
    body: str
    eta: dt.datetime | None
    expires: dt.datetime | None


class Window:
    """So many calls in any stretch of time, by the world's stopwatch."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._calls: list[float] = []

    def hit(self, item: RateLimitItem, *_identifiers: str, cost: int = 1) -> bool:
        now = self._clock.seconds()
        self._calls = [at for at in self._calls if at > now - item.get_expiry()]
        if len(self._calls) + cost > item.amount:
            return False
        self._calls += [now] * cost
        return True


class Broker:
    def __init__(self, world: "World", rng: Random) -> None:
        self._world = world
        self._rng = rng
        self._count = 0
        self._queued: dict[int, Message] = {}
        self._unacked: dict[int, Message] = {}  # what Redis knows to be held by workers
        self._held: dict[int, tuple[Message, str, int]] = {}  # … with the worker and its life
        self.values: dict[str, tuple[Any, float | None]] = {}  # the cache
        self.down_until = 0.0  # seconds of the world's stopwatch
        self.cut_from_web_until = 0.0

    # --- publishing ------------------------------------------------------------------------------

    def reachable(self, process: Process) -> bool:
        now = self._world.clock.seconds()
        cut = process.role == "web" and now < self.cut_from_web_until
        return now >= self.down_until and not cut

    def publish(
        self,
        *,
        task: str,
        kwargs: dict[str, Any] | None = None,
        eta: dt.datetime | None = None,
        expires: dt.datetime | float | None = None,
    ) -> None:
        """As `apply_async`. Raises kombu's `OperationalError` where the broker can't be reached."""
        world = self._world
        if not self.reachable(world.process):
            world.note("", f"{task} can't be published")
            raise OperationalError("the broker refuses connections")
        if isinstance(expires, int | float):
            expires = world.clock.now() + dt.timedelta(seconds=expires)
        if world.strikes("F51"):
            kwargs = (kwargs or {}) | {"of_another_release": [1, {"v": 2}]}
        self._count += 1
        body = json.dumps([[], kwargs, {}]) if kwargs else ""
        message = Message(self._count, task, body, eta, expires)
        self._queued[message.number] = message
        self._fetch_soon(message)

    def _fetch_soon(self, message: Message) -> None:
        delay = FETCH * (1 + self._rng.random())
        if self._world.swarm.happens("F33"):
            delay += self._rng.expovariate(1 / 20)
            self._world.hit("F33")
        self._world.after(delay, f"fetch {message.task}", lambda: self._fetch(message))

    # --- consuming -------------------------------------------------------------------------------

    def _fetch(self, message: Message) -> None:
        if message.number not in self._queued:
            return
        workers = [worker for worker in self._world.workers if worker.is_up]
        if not workers or not self.reachable(workers[0]):
            return  # `resume` fetches it
        del self._queued[message.number]
        worker = self._rng.choice(workers)
        if message.eta and message.eta > self._world.clock.now():
            self._held[message.number] = (message, worker.name, worker.life)
            self._unacked[message.number] = message
            self._world.at(message.eta, f"due {message.task}", lambda: self._due(message.number))
        else:
            self._run(message, worker)

    def _due(self, number: int) -> None:
        held = self._held.pop(number, None)
        if held is None:
            return
        message, name, life = held
        self._unacked.pop(number, None)
        worker = self._world.named(name)
        if worker.is_up and worker.life == life:
            self._run(message, worker)

    def _run(self, message: Message, worker: Process) -> None:
        world = self._world
        if message.expires and message.expires < world.clock.now():
            world.note("", f"{message.task} has expired")
            return
        if world.swarm.happens("F32"):
            world.hit("F32")
            delay = self._rng.expovariate(1 / 5)
            world.after(delay, f"again {message.task}", lambda: self._run_once(message, worker))
        self._run_once(message, worker)

    def _run_once(self, message: Message, worker: Process) -> None:
        _, kwargs, _ = json.loads(message.body) if message.body else ((), {}, {})
        self._world.run_task(worker, message.task, kwargs)

    # --- what may befall them --------------------------------------------------------------------

    def resume(self) -> None:
        """A worker is back, or the broker: what is queued is fetched."""
        for message in list(self._queued.values()):
            self._fetch_soon(message)

    def lose_worker(self, worker: Process) -> None:
        """SIGKILL: what it held is visible again after a while, unless it was flushed."""
        for number, (message, name, _) in list(self._held.items()):
            if name != worker.name:
                continue
            del self._held[number]
            if number in self._unacked:
                delay = VISIBILITY + self._rng.uniform(0, RESTORE)
                self._world.after(delay, f"restore {message.task}", partial(self._restore, number))

    def release_worker(self, worker: Process) -> None:
        """SIGTERM: what it held goes back at once."""
        for number, (_, name, _) in list(self._held.items()):
            if name == worker.name:
                del self._held[number]
                self._restore(number)

    def _restore(self, number: int) -> None:
        message = self._unacked.pop(number, None)
        if message:
            self._queued[number] = message
            self._fetch_soon(message)

    def flush(self) -> None:
        """FLUSHALL: the queues, what Redis knows of held messages, and the cache."""
        self._queued.clear()
        self._unacked.clear()
        self.values.clear()

    # --- the cache -------------------------------------------------------------------------------

    def add(self, key: str, value: Any, timeout: float | None = None) -> bool:
        if self.get(key) is not None:
            return False
        self.set(key, value, timeout)
        return True

    def get(self, key: str, default: Any = None) -> Any:
        self._check()
        value, ends_at = self.values.get(key, (default, None))
        return default if ends_at is not None and ends_at <= self._world.clock.seconds() else value

    def set(self, key: str, value: Any, timeout: float | None = None) -> None:
        self._check()
        ends_at = None if timeout is None else self._world.clock.seconds() + timeout
        self.values[key] = (value, ends_at)

    def incr(self, key: str, delta: int = 1) -> int:
        value = int(self.get(key, 0)) + delta
        self.values[key] = (value, self.values.get(key, (0, None))[1])
        return value

    def delete(self, key: str) -> bool:
        self._check()
        return self.values.pop(key, None) is not None

    def clear(self) -> None:
        self.values.clear()

    def close(self, **_kwargs: Any) -> None:
        """Django closes its caches after each request."""

    # --- the budget of the channels --------------------------------------------------------------

    def hit(self, item: RateLimitItem, *identifiers: str, cost: int = 1) -> bool:
        """Take so many calls of a moving window, which all processes share."""
        self._check()
        window = self.values.setdefault(f"budget:{identifiers}", (Window(self._world.clock), None))
        return bool(window[0].hit(item, cost=cost))

    def _check(self) -> None:
        if not self.reachable(self._world.process):
            raise ConnectionError("the cache refuses connections")
