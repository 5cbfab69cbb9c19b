"""One baton goes round between the parts: only who has it runs, so a seed is an interleaving.

It changes hands before each SQL statement, before and after what gives locks back (COMMIT,
ROLLBACK, a statement that commits itself), and wherever a part says `pause`. A part that waits for
another one's lock is recognised by `pg_blocking_pids`, and passed over until it has the lock.
PostgreSQL is asked when a statement takes long, and again when somebody may have let go of locks.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from proof.races.strategies import Strategy

TICK = 0.002  # seconds after which a statement that has not come back may wait for a lock
STUCK_AFTER = 20.0  # seconds without any step: longer than `lock_timeout`


class State(Enum):
    READY = "ready"  # waits for the baton
    RUNNING = "running"  # has it, or waits for a lock
    DONE = "done"


class Stuck(RuntimeError):
    """Nobody comes any further, and PostgreSQL doesn't see why."""


@dataclass(frozen=True, slots=True)
class Step:
    """What a part did at its turn; the `part` is a number."""

    part: int
    what: str


@dataclass(slots=True)
class Run:
    """One interleaving: its steps, and what each part returned or raised."""

    steps: list[Step] = field(default_factory=list)
    results: dict[int, Any] = field(default_factory=dict)
    waits: int = 0
    deadlocks: int = 0

    def note(self, part: int, what: str) -> None:
        self.steps.append(Step(part, what))


class Baton:
    """`blocked(part)` tells whether PostgreSQL has this part wait for a lock of another one."""

    def __init__(self, parts: int, strategy: Strategy, blocked: Callable[[int], bool]) -> None:
        self.run = Run()
        self._strategy = strategy
        self._blocked = blocked
        self._changed = threading.Condition()
        self._gates = [threading.Lock() for _ in range(parts)]
        for gate in self._gates:
            gate.acquire()  # opened for one step at a time
        self._states = [State.RUNNING] * parts  # until each has come to its start
        self._what = [""] * parts
        self._holder: int | None = None
        self._waiting: set[int] = set()
        self._asking: set[int] = set()  # inside of a statement that may have to wait
        self._freed = False  # since somebody was last seen to wait

    def pause(self, part: int, what: str) -> None:
        """Give the baton back; go on when it is this part's turn. `what` it is about to do."""
        with self._changed:
            self._states[part] = State.READY
            self._waiting.discard(part)
            self._what[part] = what
            self._pass_on()
        self._gates[part].acquire()

    def pause_holder(self, what: str) -> None:
        """The same for a thread that works for whoever has the baton."""
        if self._holder is not None:
            self.pause(self._holder, what)

    def may_wait(self, part: int) -> None:
        """The part sends a statement that takes locks."""
        self._asking.add(part)

    def has_waited(self, part: int) -> None:
        """The statement has come back: who waited in it waits for its turn, too."""
        self._asking.discard(part)
        if part in self._waiting:
            self.pause(part, "… goes on")

    def may_free(self) -> None:
        """Who has the baton may have let go of locks: who waits may have what it waits for."""
        self._freed = True

    def end(self, part: int, result: Any) -> None:
        self.may_free()
        with self._changed:
            self.run.results[part] = result
            self._states[part] = State.DONE
            self._waiting.discard(part)
            self._pass_on()

    def watch(self) -> None:
        """Until all are done: pass the baton on where its holder waits for a lock."""
        last, since = -1, time.monotonic()
        with self._changed:
            while any(state is not State.DONE for state in self._states):
                if len(self.run.steps) != last:
                    last, since = len(self.run.steps), time.monotonic()
                elif time.monotonic() - since > STUCK_AFTER:
                    raise Stuck(f"{self._states} after {last} steps")
                else:
                    self._look()
                self._changed.wait(TICK)

    def _look(self) -> None:
        running = self._running()
        running.sort(key=self._waiting.__contains__)  # who has the baton first: it decides
        if not running or not all(part in self._asking and self._blocked(part) for part in running):
            return
        self._freed = False
        for part in running:
            if part not in self._waiting:
                self._waiting.add(part)
                self.run.waits += 1
                self.run.note(part, "… waits for a lock")
        self._choose()

    def _pass_on(self) -> None:
        """To whoever is chosen, once nobody runs who is not waiting."""
        running = self._running()
        if not self._waiting.issuperset(running):
            return
        if running and self._freed:
            self._look()
        else:
            self._choose()

    def _running(self) -> list[int]:
        return [part for part, state in enumerate(self._states) if state is State.RUNNING]

    def _choose(self) -> None:
        ready = [part for part, state in enumerate(self._states) if state is State.READY]
        if not ready:
            self._changed.notify_all()  # all are done, or wait
            return
        part = self._strategy.choose(ready, self._holder)
        self._holder = part
        self._states[part] = State.RUNNING
        self.run.note(part, self._what[part])
        self._gates[part].release()
