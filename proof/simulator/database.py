"""The database breaks: connections are cut before or after COMMIT, and transactions are aborted.

Only where a process of the shop runs. The server really rolls back, or has really committed: what
is simulated is the moment.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

from django.db import OperationalError, connections

from proof.simulator.world import World

connection: Any = connections["default"]  # its private `_commit` is where COMMIT is sent
ROLES = ("web", "worker")
ABORT = "DO $$ BEGIN RAISE EXCEPTION 'aborted' USING ERRCODE = '{}'; END $$"
CODES = ("40001", "40P01")  # can't be serialized; deadlock


@contextmanager
def breaking_database(world: World) -> Iterator[None]:
    """Inside, the connection breaks as the swarm wants it."""
    chance = world.rng("database")
    real = connection._commit

    def commit() -> None:
        hits = world.process.role in ROLES
        if hits and world.strikes("F40"):
            _cut(world, "before COMMIT")
        real()
        if hits and world.strikes("F41"):
            _cut(world, "after COMMIT")

    connection._commit = commit
    try:
        with connection.execute_wrapper(_aborting(world, chance)):
            yield
    finally:
        del connection._commit


def _cut(world: World, when: str) -> None:
    world.note("", f"{world.process.name}: the database goes away {when}")
    connection.connection.close()
    raise OperationalError("server closed the connection unexpectedly")


def _aborting(world: World, chance: Random) -> Callable[..., Any]:
    def execute(run: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        in_play = connection.in_atomic_block and world.process.role in ROLES
        if in_play and "UPDATE" in sql and world.strikes("F42"):
            world.note("", f"{world.process.name}: a transaction is aborted")
            return run(ABORT.format(chance.choice(CODES)), None, False, context)
        return run(sql, params, many, context)

    return execute
