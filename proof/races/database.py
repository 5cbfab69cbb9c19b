"""A database for the finder alone: made, filled with tables, and gone when it is done."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import django


@contextmanager
def database() -> Iterator[None]:
    """Django on a test database, on servers of its own unless addresses are set.

    The environment decides; where the database is there already, it is used as it is.
    """
    data = f"/var/tmp/nodrop-races-{secrets.token_hex(4)}"  # noqa: S108  (as embedded.OPEN_DIR)
    os.environ.setdefault("NODROP_DATA", data)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from config import embedded  # noqa: PLC0415  (the addresses follow from the environment)

    with embedded.lease(throwaway=True):
        django.setup()
        from django.db import connection  # noqa: PLC0415  (needs the settings)

        keeps = "PROOF_KEEPDB" in os.environ
        name = str(connection.settings_dict["NAME"])
        connection.creation.create_test_db(
            verbosity=0, autoclobber=True, serialize=False, keepdb=keeps
        )
        try:
            yield
        finally:
            connection.creation.destroy_test_db(name, verbosity=0, keepdb=keeps)
