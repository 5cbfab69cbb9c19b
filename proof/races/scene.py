"""The rows of a scene's beginning: kept once, put back before each seed with the same numbers."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg2
from django.apps import apps
from django.db import connection

OUR_APPS = ("alerts", "orders", "payments", "shop", "auth", "authtoken")
SCHEMA = "proof_races"  # keeps the rows, and how they are put back
VACUUM_EVERY = 200  # puttings back: what they delete would slow the scans down
# An answer is sealed with chance, and nobody opens it once the parts are done.
UNLIKE_EACH_TIME = {"shop_keptanswer": "sealed"}


class Scene:
    """Has a connection of its own, to which no trigger speaks: they refuse to rewrite history.

    A connection that stops listening to them for a while forgets all its plans at each turn.
    """

    def __init__(self, own: Any) -> None:
        self._own = own
        self._count = 0

    def empty(self) -> None:
        """No rows at all."""
        self._run("".join(map(_delete, tables())))

    def keep(self) -> None:
        """The scene begins like this, from now on."""
        self._run(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA}")
        filled = [name for name in tables() if self._ask(f"SELECT EXISTS (SELECT FROM {name})")]  # noqa: S608  (our tables)
        for name in filled:
            self._run(f"CREATE TABLE {SCHEMA}.{name} AS TABLE {name}")
        body = [
            *map(_delete, tables()),
            *(f"INSERT INTO {name} TABLE {SCHEMA}.{name};" for name in filled),
            *self._sequences(),
        ]
        self._define("put_back", "void", f"BEGIN {''.join(body)} END")
        rows = " || '/' || ".join(map(_rows, tables()))
        self._define("what_is_there", "text", f"BEGIN RETURN md5({rows}); END")

    def put_back(self) -> None:
        self._run(f"SELECT {SCHEMA}.put_back()")
        self._count += 1
        if self._count % VACUUM_EVERY == 0:
            self._run("VACUUM")

    def what_is_there(self) -> str:
        """The same for the same rows, and for no others."""
        return str(self._ask(f"SELECT {SCHEMA}.what_is_there()"))

    def strike(self) -> None:
        """Leave nothing of it behind."""
        self._run(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")

    def _sequences(self) -> Iterator[str]:
        """The next number is the same again, too."""
        with self._own.cursor() as cursor:
            cursor.execute(
                "SELECT sequencename, coalesce(last_value, 1), last_value IS NOT NULL"
                " FROM pg_sequences WHERE schemaname = 'public'"
            )
            for name, value, is_called in cursor.fetchall():
                yield f"PERFORM setval('{name}', {value}, {is_called});"

    def _define(self, name: str, returns: str, body: str) -> None:
        """In PL/pgSQL, which plans a statement once."""
        self._run(
            f"CREATE FUNCTION {SCHEMA}.{name}() RETURNS {returns} LANGUAGE plpgsql AS $${body}$$"
        )

    def _run(self, sql: str) -> None:
        with self._own.cursor() as cursor:
            cursor.execute(sql)

    def _ask(self, sql: str) -> Any:
        with self._own.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchone()[0]


@contextmanager
def scene() -> Iterator[Scene]:
    with closing(psycopg2.connect(**connection.get_connection_params())) as own:
        own.autocommit = True
        built = Scene(own)
        built._run("SET session_replication_role = replica")
        try:
            yield built
        finally:
            built.strike()


def tables() -> list[str]:
    """Those that interleavings write to; permissions and content types stay."""
    models = [model for label in OUR_APPS for model in apps.get_app_config(label).get_models()]
    names = {model._meta.db_table for model in models} | {"auth_user_user_permissions"}
    return sorted(names - {"auth_permission", "auth_group"})


def _delete(table: str) -> str:
    return f"DELETE FROM {table};"  # noqa: S608  (a table of ours)


def _rows(table: str) -> str:
    """All of them as one text, in an order that follows from what they say."""
    row = "to_jsonb(each)"
    if column := UNLIKE_EACH_TIME.get(table):
        row += f" - '{column}'"
    text = f'({row})::text COLLATE "C"'
    return f"(SELECT coalesce(string_agg({text}, ',' ORDER BY {text}), '') FROM {table} each)"  # noqa: S608  (as above)
