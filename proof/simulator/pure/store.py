"""The tables of the pure shop, its transactions, and its wake-ups."""

import datetime as dt
import heapq
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Any, Protocol, TypeVar

from common import breaker
from common.kill_points import reach
from common.wake import AHEAD, EXPIRES
from proof.simulator.pure.rows import (
    Event,
    Evidence,
    LedgerRow,
    Order,
    Payment,
    Refund,
    Statement,
)

T = TypeVar("T")
A_SECOND = dt.timedelta(seconds=1)


class Surroundings(Protocol):
    """What the pure shop needs of the world around it."""

    def now(self) -> dt.datetime:
        """By the clock of the process that runs now."""
        ...

    def stopwatch(self) -> float:
        """Seconds."""
        ...

    def publish(self, *, task: str, eta: dt.datetime | None, expires: dt.datetime | float) -> None:
        """Send a wake-up; raises where the broker can't be reached."""
        ...

    def add(self, key: str, timeout: float) -> bool:
        """Claim a key of the cache; raises where it can't be reached."""
        ...

    def delete(self, key: str) -> None: ...

    def quiet_until(self) -> float:
        """Until when this process tries the broker no more, by the stopwatch."""
        ...

    def be_quiet_until(self, at: float) -> None: ...

    def task_broke(self, name: str, error: Exception) -> None:
        """Celery would log it."""
        ...

    def side_by_side(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """Make calls that overlap, as the threads of a pool do; their answers in turn."""
        ...

    def begin(self) -> None:
        """A transaction begins; raises where the database is away."""
        ...

    def commit(self) -> None:
        """It has been committed; raises where nobody hears of that."""
        ...


class DueRows:
    """Rows by their due time, as a partial index has them: the time first, then the key.

    A row that was moved leaves its old place behind; it is skipped when it comes up.
    """

    def __init__(self, due_at: Callable[[Any], dt.datetime | None]) -> None:
        self._due_at = due_at
        self._heap: list[tuple[dt.datetime, int, Any]] = []

    def put(self, pk: int, row: Any) -> None:
        due_at = self._due_at(row)
        if due_at is not None:
            heapq.heappush(self._heap, (due_at, pk, row))

    def claim(self, until: dt.datetime, most: int) -> list[Any]:
        """Take out those due at `until` or before; whoever takes them puts them back."""
        taken: dict[int, Any] = {}
        heap = self._heap
        while heap and len(taken) < most and heap[0][0] <= until:
            due_at, pk, row = heapq.heappop(heap)
            if self._due_at(row) == due_at:
                taken.setdefault(pk, row)
        return list(taken.values())

    def first(self) -> dt.datetime | None:
        heap = self._heap
        while heap and self._due_at(heap[0][2]) != heap[0][0]:
            heapq.heappop(heap)
        return heap[0][0] if heap else None

    def rows(self) -> list[Any]:
        """All that are due at some time, each once."""
        found = {pk: row for due_at, pk, row in self._heap if self._due_at(row) == due_at}
        return list(found.values())

    def within(self, after: dt.datetime, until: dt.datetime) -> Iterable[dt.datetime]:
        """Due times after one moment, up to another: the heap's upper part, unsorted."""
        heap, places = self._heap, [0]
        while places:
            place = places.pop()
            if place >= len(heap) or heap[place][0] > until:
                continue
            due_at, _, row = heap[place]
            if due_at > after and self._due_at(row) == due_at:
                yield due_at
            places += (2 * place + 1, 2 * place + 2)


class Store:
    """All rows. What belongs together is changed between `begin` and the commit."""

    def __init__(self, around: Surroundings, rng: Random) -> None:
        self.around = around
        self.rng = rng
        self.orders: dict[str, Order] = {}
        self.orders_by_key: dict[str, Order] = {}
        self.payments: dict[str, Payment] = {}
        self.refunds: dict[str, Refund] = {}
        self.refunds_by_origin: dict[str, Refund] = {}
        self.ledger: dict[tuple[str, str], LedgerRow] = {}  # received, by payment and capture
        self.gone: dict[tuple[str, int], LedgerRow] = {}  # went back, by refund and event
        self.events: dict[tuple[str, str], Evidence] = {}  # by channel and event id
        self.stock: Counter[str] = Counter()
        self.counted: set[str] = set()  # articles that can be sold out
        self.alerts: dict[tuple[str, str], str] = {}  # open ones: kind and subject
        self.alarmed: set[str] = set()
        self.consults = DueRows(lambda row: row.consult_due_at)
        self.refund_consults = DueRows(lambda row: row.consult_due_at)
        self.closings = DueRows(lambda row: row.close_due_at)
        self.relays = DueRows(lambda row: row.due_at)
        self.refund_relays = DueRows(lambda row: row.due_at)
        self.refunds_by_key: dict[str, Refund] = {}
        self.statements: dict[tuple[str, dt.date], Statement] = {}
        self.moved: list[Event] = []
        self.changed: dict[str, None] = {}  # numbers of orders, each once
        self.to_look_at: dict[str, None] = {}  # by the inside watch
        self.writes = 0
        self.may_owe: dict[str, None] = {}  # payments of which surplus may have to go back
        self._count = 0
        self._depth = 0
        self._after: list[Callable[[], None]] = []

    def next_pk(self) -> int:
        self._count += 1
        return self._count

    # --- transactions ------------------------------------------------------------------------

    def atomic(self) -> "Store":
        """A transaction. Its body must not raise after it has changed a row: there is no undo."""
        return self  # as its own context: a payment has about sixty of them

    def __enter__(self) -> None:
        if self._depth == 0:
            self.around.begin()
            self._after = []
        self._depth += 1

    def __exit__(self, error: type[BaseException] | None, *_of: object) -> None:
        self._depth -= 1
        if self._depth == 0 and error is None:
            self.writes += 1
            self.around.commit()
            after, self._after = self._after, []
            for call in after:
                call()

    @property
    def is_in_transaction(self) -> bool:
        return self._depth > 0

    def on_commit(self, call: Callable[[], None]) -> None:
        self._after.append(call)

    # --- alerts --------------------------------------------------------------------------------

    def alert(self, kind: str, subject: str, detail: str = "") -> None:
        self.alerts[kind, subject] = detail
        self.alarmed.add(subject)

    def withdraw(self, kind: str, subject: str) -> None:
        self.alerts.pop((kind, subject), None)

    def withdraw_all_but(self, kind: str, subjects: Iterable[str]) -> None:
        kept = set(subjects)
        for of, subject in [key for key in self.alerts if key[0] == kind]:
            if subject not in kept:
                del self.alerts[of, subject]

    # --- wake-ups, by the rules of `common.wake` -----------------------------------------------

    def wake_on_commit(self, task: str) -> None:
        self.on_commit(lambda: self.wake(task))

    def announce_on_commit(self, task: str, due_at: dt.datetime, now: dt.datetime) -> None:
        self.on_commit(lambda: self.announce(task, due_at, now))

    def announce_each(self, task: str, due_times: Iterable[dt.datetime], now: dt.datetime) -> None:
        seconds = {due_at.replace(microsecond=0) for due_at in due_times}
        for second in sorted(seconds):
            self.announce(task, second + A_SECOND, now)

    def announce(self, task: str, due_at: dt.datetime, now: dt.datetime) -> None:
        wait = (due_at - now).total_seconds()
        if wait > AHEAD:
            return
        if wait <= 0:
            self.wake(task)
            return
        second = math.ceil(due_at.timestamp())
        if self._is_first(f"wake:{task}:{second}", int(wait) + 10):
            eta = dt.datetime.fromtimestamp(second, dt.UTC)
            self._publish(task, eta, eta + dt.timedelta(seconds=EXPIRES))

    def wake(self, task: str) -> None:
        if self._is_first(f"wake:pending:{task}", int(EXPIRES)):
            self._publish(task, None, EXPIRES)

    def woken(self, task: str) -> None:
        if self._is_quiet():
            return
        try:
            self.around.delete(f"wake:pending:{task}")
        except Exception:  # noqa: BLE001  (as `common.wake`: then its time runs out)
            return

    def _is_first(self, key: str, ttl: int) -> bool:
        if self._is_quiet():
            return False
        try:
            return self.around.add(key, ttl)
        except Exception:  # noqa: BLE001  (as `common.wake`: the wake-up goes out)
            return True

    def _publish(self, task: str, eta: dt.datetime | None, expires: dt.datetime | float) -> None:
        if self._is_quiet():
            return
        reach("wake.publishing")
        try:
            self.around.publish(task=task, eta=eta, expires=expires)
        except Exception:  # noqa: BLE001  (as `common.wake`: the row is the retry)
            self.around.be_quiet_until(self.around.stopwatch() + breaker.SECONDS)

    def _is_quiet(self) -> bool:
        return self.around.stopwatch() < self.around.quiet_until()
