"""The threads that play the parts. Each keeps its database connection over all interleavings."""

import queue
import re
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from typing import Any

import psycopg2
from django.db import connection, connections
from psycopg2 import errorcodes
from psycopg2.errors import InsufficientPrivilege

from proof.races.baton import Baton, Run
from proof.races.strategies import Strategy

_SAVEPOINT = re.compile(r"s\d+_x\d+")  # named after the thread
_FREES = re.compile(r"ROLLBACK|SELECT pg_advisory_unlock")  # in the midst of a transaction, too
_ONLY_READS = re.compile(r"\s*SELECT (?!.*\bFOR (NO KEY )?UPDATE\b)", re.DOTALL)

Part = Callable[[], Any]

# Who waited first loses, soon: a deadlock needs no second here.
DEADLOCK_TIMEOUT = "100ms"


class Crew:
    """So many threads, and a connection of its own that looks who waits for whom."""

    def __init__(self, size: int = 3) -> None:
        self.baton: Baton | None = None
        self._open = ExitStack()
        self._members = [_Member(self, number) for number in range(size)]

    def __enter__(self) -> "Crew":
        self._monitor = self._open.enter_context(
            closing(psycopg2.connect(**connection.get_connection_params()))
        )
        self._monitor.autocommit = True
        for member in self._members:
            self._open.callback(member.dismiss)
            member.start()
        self._backends = [member.backend() for member in self._members]
        return self

    def __exit__(self, *_error: object) -> None:
        self._open.close()

    def play(self, parts: Sequence[Part], strategy: Strategy) -> Run:
        """Have the parts run in one interleaving; an exception of a part is its result."""
        self.baton = Baton(len(parts), strategy, self._is_blocked)
        for member, part in zip(self._members, parts, strict=False):
            member.tasks.put(part)
        try:
            self.baton.watch()
        finally:
            baton, self.baton = self.baton, None
        return baton.run

    def pause(self, what: str) -> None:
        """Whoever has the baton may be passed over here; nothing outside of a play."""
        if self.baton:
            self.baton.pause_holder(what)

    def _is_blocked(self, part: int) -> bool:
        with self._monitor.cursor() as cursor:
            cursor.execute(
                "SELECT pg_blocking_pids(%s) && %s", [self._backends[part], self._backends]
            )
            return bool(cursor.fetchone()[0])


class _Member(threading.Thread):
    def __init__(self, crew: Crew, number: int) -> None:
        super().__init__(name=f"part {number}", daemon=True)
        self.tasks: queue.SimpleQueue[Part | None] = queue.SimpleQueue()
        self._crew, self._number = crew, number
        self._backend: queue.SimpleQueue[int] = queue.SimpleQueue()

    def backend(self) -> int:
        """The process of PostgreSQL that serves it."""
        return self._backend.get(timeout=20)

    def dismiss(self) -> None:
        self.tasks.put(None)
        self.join(20)

    def run(self) -> None:
        try:
            self._backend.put(_connect())
            _pause_where_locks_go(self)
            with connection.execute_wrapper(self._around_a_statement):
                while part := self.tasks.get():
                    self._play(part)
        finally:
            connections.close_all()

    def _play(self, part: Part) -> None:
        baton = self._baton()
        self.pause("begins")
        try:
            result = part()
        except Exception as error:  # noqa: BLE001  (it is what came of the part)
            result = error
        baton.end(self._number, result)

    def pause(self, what: str) -> None:
        self._baton().pause(self._number, what)

    def freed(self) -> None:
        self._baton().may_free()

    def _baton(self) -> Baton:
        assert self._crew.baton is not None  # noqa: S101  (parts run in interleavings alone)
        return self._crew.baton

    def _around_a_statement(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        baton, only_reads = self._baton(), _ONLY_READS.match(sql)
        self.pause(_SAVEPOINT.sub("savepoint", sql))
        if not only_reads:
            baton.may_wait(self._number)
        commits = not only_reads and connection.get_autocommit()
        try:
            result = execute(sql, params, many, context)
            if commits or _FREES.match(sql):
                baton.may_free()
        except Exception as error:
            baton.may_free()  # PostgreSQL has aborted the transaction
            if getattr(error.__cause__, "pgcode", "") == errorcodes.DEADLOCK_DETECTED:
                baton.run.deadlocks += 1
                baton.run.note(self._number, "… is the victim of a deadlock")
            raise
        finally:
            baton.has_waited(self._number)
        if commits:
            self.pause("(committed by itself)")
        return result


def _connect() -> int:
    connection.ensure_connection()
    with connection.cursor() as cursor:
        try:
            cursor.execute("SELECT set_config('deadlock_timeout', %s, false)", [DEADLOCK_TIMEOUT])
        except Exception as error:
            if not isinstance(error.__cause__, InsufficientPrivilege):
                raise  # else PostgreSQL's own second it is
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def _pause_where_locks_go(member: _Member) -> None:
    """Django sends COMMIT and ROLLBACK past its wrappers."""
    for name, what in (("_commit", "COMMIT"), ("_rollback", "ROLLBACK")):
        _hook(member, name, what)


def _hook(member: _Member, name: str, what: str) -> None:
    do = getattr(connection, name)

    def between_two_pauses() -> None:
        member.pause(what)
        try:
            do()
        finally:
            member.freed()
        member.pause(f"({what.lower()} done)")

    setattr(connection, name, between_two_pauses)
