"""A database for each strategy, all alike; and vacuum at virtual times, so that plans repeat.

Autovacuum runs by the real clock: the rows that a run reads would depend on the machine's speed.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from proof.simulator.world import World

EVERY = 600.0  # seconds
SELDOM = 6 * 3600.0  # when the storm is over


@contextmanager
def databases(count: int) -> Iterator[list[str]]:
    """The names of that many copies of one migrated database; all are dropped at the end."""
    creation = connection.creation
    before = connection.settings_dict["NAME"]
    creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    _without_autovacuum()
    connection.close()
    names = []
    try:
        for number in range(1, count + 1):
            creation.clone_test_db(suffix=str(number), verbosity=0, autoclobber=True)
            names.append(str(creation.get_test_db_clone_settings(str(number))["NAME"]))
        yield names
    finally:
        for number in range(1, len(names) + 1):
            creation.destroy_test_db(suffix=str(number), verbosity=0)
        creation.destroy_test_db(str(before), verbosity=0)


def use(name: str) -> None:
    """From now on this process works with this database."""
    connection.close()
    connection.settings_dict["NAME"] = name


def vacuum_regularly(world: World) -> None:
    """Vacuum and analyze as autovacuum would, by the world's clock."""

    def vacuum() -> None:
        with connection.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE)")
        world.after(SELDOM if world.swarm.healed else EVERY, "vacuum ticks", vacuum)

    world.after(EVERY, "vacuum ticks", vacuum)


def _without_autovacuum() -> None:
    with connection.cursor() as cursor:
        for table in sorted(connection.introspection.table_names(cursor)):
            name = connection.ops.quote_name(table)
            cursor.execute(f"ALTER TABLE {name} SET (autovacuum_enabled = false)")
