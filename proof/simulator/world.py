"""The world: a heap of (virtual time, seeded tie-break, event), and who acts in it.

A call of the channel takes time, and whatever is due in that time happens before it returns: so
callbacks, cancellations and deaths fall into the middle of a consult, as they do in production.
"""

import datetime as dt
import heapq
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, TypeVar

from proof.simulator.broker import Broker
from proof.simulator.clock import START, Clock
from proof.simulator.coverage import Coverage
from proof.simulator.faults import Swarm
from proof.simulator.process import Crash, Process
from proof.simulator.system import Answer, Move, OrderView, System
from proof.simulator.trace import Trace
from workers.schedule import ENTRIES, Entry

MOST_NESTED = 6  # calls that wait for each other
OUTSIDE = Process("outside", "outside")
NO_ANSWER = Answer(0)
DEADLY = {"web": "F10", "worker": "F24"}  # the fault of which a process of this role dies
T = TypeVar("T")


class Violation(AssertionError):
    """An invariant does not hold."""

    def __init__(self, rule: str, about: tuple[str, ...], what: str) -> None:
        super().__init__(f"{rule}: {what}")
        self.rule, self.about, self.what = rule, about, what


@dataclass(frozen=True)
class Strategy:
    """What a shop does to learn the truth: parts of Nodrop, or somebody else's idea of it.

    `wakes`: the tasks whose wake-ups reach the broker; None: all. `tasks`: tasks of the strategy's
    own, by name. `on_start`: what is done when a payment was started, beyond what the shop does.
    """

    name: str
    entries: tuple[Entry, ...] = ENTRIES
    wakes: frozenset[str] | None = None
    tasks: Mapping[str, Callable[["World", Mapping[str, Any]], None]] = field(default_factory=dict)
    on_start: Callable[["World", str], None] | None = None


# Looks that find their rows by time alone cost most, and find the same a little later.
SELDOM = {"workers.watch": 600, "workers.beat_heartbeat": 600}
EVERYTHING = Strategy(
    "everything",
    tuple(replace(each, every=SELDOM.get(each.task, each.every)) for each in ENTRIES),
)


@dataclass(frozen=True)
class Plan:
    """How large a world is, and how long. Virtual time costs little, orders cost more."""

    orders: int = 60
    arrive_within: float = 600.0  # seconds
    storm: float = 3600.0  # seconds until everything is healed
    # After the heal. A payment whose schedule was used up is asked about once a day, and what only
    # the statement knows comes with the day's: two days, and two hours for refunds and retries.
    bound: float = 50 * 3600.0
    begins: dt.datetime = START
    beats: int | None = None  # None: as the swarm wants it
    receiver: bool = False  # whether a system that fulfils orders is told of them
    deadly: frozenset[str] = frozenset()  # crash points: who comes by first dies there


@dataclass
class Record:
    """What became of one payment: when the channel took its money, and when the shop knew it.

    Known is: the order's ledger has the money, and the order is paid by it or the money went back.
    """

    payment_no: str
    order_no: str
    channel: str
    started_at: dt.datetime
    taken_at: dt.datetime | None = None
    settled_at: dt.datetime | None = None  # the payment side knew
    source: str = ""  # by which way
    known_at: dt.datetime | None = None  # the order was paid, or the money went back
    queries: int = 0


class World:
    """One run. `build` makes the shop, once the world can be seen by it."""

    def __init__(
        self,
        *,
        seed: object,
        build: Callable[["World"], System],
        plan: Plan | None = None,
        strategy: Strategy = EVERYTHING,
        swarm: Swarm | None = None,
    ) -> None:
        self.seed = seed
        self.plan = plan or Plan()
        self.strategy = strategy
        self.clock = Clock(self.plan.begins)
        self.trace = Trace()
        self.swarm = swarm or Swarm.of(self.rng("swarm"))
        self.coverage = Coverage()
        self.workers = [Process("worker-1", "worker"), Process("worker-2", "worker")]
        self.web = Process("web", "web")
        self.beats: list[Process] = []
        self.process = OUTSIDE
        self.broker = Broker(self, self.rng("broker"))
        self.records: dict[str, Record] = {}
        self.records_of: dict[str, list[Record]] = {}  # by order
        self.statuses: dict[str, str] = {}  # of payments, as far as they were committed
        self._in_status: Counter[str] = Counter()  # how many payments are in it
        self.points: dict[str, int] = {}  # at which a process died, and how often
        self.orders_of: dict[str, str] = {}  # by payment
        self.view_watchers: list[Callable[[list[Move], list[OrderView]], None]] = []
        self.on_write: list[Callable[[], None]] = []
        self.acknowledged: list[Callable[[str, bytes], None]] = []  # of callbacks: channel, body
        self._side: tuple[dt.datetime, float] | None = None
        self._heap: list[tuple[dt.datetime, float, int, str, Callable[[], None]]] = []
        self._ties = self.rng("ties")
        self._deaths = self.rng("deaths")
        self._count = 0
        self._depth = 0
        self._passes: dict[str, int] = {}  # of the crash points, where one may die
        self.armed_points = set(self.plan.deadly)  # the next process that comes by dies there
        self._writes = 0
        self.system = build(self)

    def rng(self, name: str) -> Random:
        """A stream of its own, so that one actor's decisions don't move another's."""
        return Random(f"{self.seed}/{name}")

    # --- time ------------------------------------------------------------------------------------

    def at(self, when: dt.datetime, label: str, run: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._heap, (when, self._ties.random(), self._count, label, run))

    def after(self, seconds: float, label: str, run: Callable[[], None]) -> None:
        self.at(self.clock.true_now + dt.timedelta(seconds=seconds), label, run)

    def run_until(self, until: dt.datetime) -> None:
        """Let everything happen that is due by then."""
        while self._heap and self._heap[0][0] <= until:
            self._happen()
        self.clock.move_to(until)

    def pass_time(self, seconds: float) -> None:
        self.run_until(self.clock.true_now + dt.timedelta(seconds=seconds))

    def has_plans(self) -> bool:
        """Whether anything but beat's ticks is to happen."""
        return any(not label.endswith("ticks") for _, _, _, label, _ in self._heap)

    def wait(self, seconds: float) -> None:
        """The process that runs now waits for an answer; it may be dead when that comes."""
        process, life, side = self.process, self.process.life, self._side
        if side:  # beside others of a batch, since its beginning
            side = self._side = (side[0], side[1] + seconds)
            until = side[0] + dt.timedelta(seconds=side[1])
        else:
            until = self.clock.true_now + dt.timedelta(seconds=seconds)
        if self._depth < MOST_NESTED and self._heap and self._heap[0][0] <= until:
            self._side = None
            self._depth += 1
            self._switch(OUTSIDE)
            try:
                self.run_until(until)
            finally:
                self._depth -= 1
                self._switch(process)
                self._side = side
        self.clock.move_to(until)
        if process.life != life:
            raise Crash

    def side_by_side(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """Calls that begin together: the batch takes as long as the slowest of them."""
        outer, begun = self._side, self.clock.true_now
        done = []
        try:
            for call in calls:
                self._side = (begun, 0.0)
                done.append(call())
        finally:
            self._side = outer
        return done

    def _happen(self) -> None:
        when, _, _, _, run = heapq.heappop(self._heap)
        self.clock.move_to(when)
        run()
        self.look()

    def look(self) -> None:
        """Learn what was committed, and let the watchers judge it."""
        writes = self.system.writes()
        if writes == self._writes:
            return
        self._writes = writes
        news = self.system.news()
        for move in news.moves:
            if not move.refund_no:
                self._learn(move)
            self.note(move.refund_no or move.payment_no, f"{move.was or 'new'} → {move.to}", move)
        touched = list(dict.fromkeys([*(move.order_no for move in news.moves), *news.orders]))
        if touched and self.view_watchers:
            views = self.system.views(touched)
            for watch in self.view_watchers:
                watch(news.moves, views)
        for run in self.on_write:
            run()

    def _learn(self, move: Move) -> None:
        was = self.statuses.get(move.payment_no)
        if was is not None:
            self._in_status[was] -= 1
        self._in_status[move.to] += 1
        self.statuses[move.payment_no] = move.to
        self.orders_of[move.payment_no] = move.order_no

    # --- processes -------------------------------------------------------------------------------

    def act(self, process: Process, run: Callable[[], Any]) -> Any:
        """Have a process do something; None if it is dead, or dies of it."""
        if not process.is_up:
            return None
        before, life = self.process, process.life
        self._switch(process)
        try:
            return run()
        except Crash:
            if process.life == life:
                self.kill(process)
            return None
        finally:
            self._switch(before)

    def request(self, ask: Callable[[], Answer]) -> Answer:
        """A request to web; nobody answers where it is down, or dies of it."""
        answer: Answer | None = self.act(self.web, ask)
        self.look()
        return answer or NO_ANSWER

    def calling_channel(self) -> None:
        """No transaction may be open while a channel is asked."""
        if self.system.is_in_transaction():
            raise Violation("I13", (), "a channel is called inside of a transaction")

    def run_task(self, worker: Process, name: str, kwargs: Mapping[str, Any]) -> None:
        own = self.strategy.tasks.get(name)
        if own:
            self.act(worker, lambda: own(self, kwargs))
        else:
            self.act(worker, lambda: self.system.run_task(name=name, kwargs=kwargs))
        self.look()

    def kill(self, process: Process) -> None:
        """SIGKILL; a supervisor starts it again."""
        self.note("", f"{process.name} dies")
        process.is_up = False
        process.life += 1
        process.quiet_until = process.budget_quiet_until = 0.0
        if process.role == "worker":
            self.broker.lose_worker(process)
        self.after(
            self._deaths.uniform(0.5, 10), f"start {process.name}", lambda: self.start(process)
        )

    def stop(self, process: Process) -> None:
        """SIGTERM: it ends what it does, and is started again by the deploy."""
        self.note("", f"{process.name} is stopped")
        process.is_up = False
        self.after(
            self._deaths.uniform(1, 40), f"start {process.name}", lambda: self.start(process)
        )

    def start(self, process: Process) -> None:
        if process.is_up:
            return
        self.note("", f"{process.name} starts")
        process.is_up = True
        if process.role == "worker":
            self.broker.resume()

    def reach(self, point: str) -> None:
        """A process is at one of `common.kill_points`: perhaps it dies here."""
        if self.swarm.healed:
            return
        fault = DEADLY.get(self.process.role, "")
        if not fault or not self._dies_at(point, fault):
            return
        self.points[point] = self.points.get(point, 0) + 1
        self.hit(fault)
        self.note("", f"{self.process.name} is killed at {point}")
        raise Crash

    def _dies_at(self, point: str, fault: str) -> bool:
        """The first passes are the deadliest: a point that is seldom passed is not missed."""
        if point in self.armed_points:
            self.armed_points.remove(point)
            return True
        level = self.swarm.levels.get(fault, 0.0)
        if not level:
            return False
        passes = self._passes[point] = self._passes.get(point, 0) + 1
        return self._deaths.random() < max(level, 20 * level / passes**2)

    def named(self, name: str) -> Process:
        return next(worker for worker in self.workers if worker.name == name)

    def _switch(self, process: Process) -> None:
        if process is self.process:
            return
        self.system.leave(self.process)
        self.process = process
        self.clock.skew = process.skew
        self.system.enter(process)

    def started(self, record: Record) -> None:
        """A payment was started."""
        self.records[record.payment_no] = record
        self.records_of.setdefault(record.order_no, []).append(record)
        self.note(record.payment_no, f"started for {record.order_no} at {record.channel}")
        if self.strategy.on_start:
            self.strategy.on_start(self, record.payment_no)

    # --- what is told of it ----------------------------------------------------------------------

    def note(self, about: str, what: str, move: Move | None = None) -> None:
        if move:
            what += f" by {move.source}" + (" (a further capture)" if move.is_capture else "")
        self.trace.note(self.clock.seconds(), self.process.name, about, what)

    def hit(self, fault: str, about: str = "") -> None:
        """A fault has happened: to one payment, or to everybody who was there."""
        self.coverage.hit(fault, [self.statuses.get(about, "")] if about else self.present())

    def strikes(self, fault: str, about: str = "") -> bool:
        """Whether a fault happens now, and if so it is counted."""
        swarm = self.swarm
        if swarm.healed or not (fault in swarm.levels or swarm.armed):
            return False  # asked a hundred times for each payment, and most faults are off
        if not swarm.happens(fault):
            return False
        self.hit(fault, about)
        return True

    def present(self) -> list[str]:
        """The states in which payments are now."""
        return sorted(status for status, payments in self._in_status.items() if payments)
