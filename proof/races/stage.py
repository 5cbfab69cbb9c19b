"""What a pair is played on: one database, set up once and put back cheaply before each seed."""

import datetime as dt
import logging
import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser, Permission
from django.db import connection
from django.test import override_settings
from django.utils import timezone
from rest_framework.authtoken.models import Token

from common import wake
from orders.models import Endpoint, Stock
from payments.channels.registry import get_channel
from payments.services import consulting
from payments.services.refunding import loop as refunding
from proof.races import channel as third_party
from proof.races.channel import PausingChannel
from proof.races.crew import Crew
from shop import answers
from tests.factories import a_product

OUR_APPS = ("alerts", "orders", "payments", "shop", "auth", "authtoken")
STOCK = 10
SHADOWS = "proof_races"  # the schema that keeps the rows of a scene's beginning
VACUUM_EVERY = 200  # puttings back: what they delete would slow the scans down
CHANNELS = ("fake", "other")
SETTINGS: dict[str, Any] = {
    "NODROP_CHANNELS": {
        name: {"CLASS": "proof.races.channel.PausingChannel", "LABEL": name.title()}
        for name in CHANNELS
    },
    "CACHES": {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
    "CHANNEL_LAYERS": {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}},
    "PASSWORD_HASHERS": ["django.contrib.auth.hashers.MD5PasswordHasher"],
}


class Stage:
    """The shop, its channels, its clock, and the crew that plays."""

    def __init__(self, crew: Crew) -> None:
        self.crew = crew
        self.start = self.now = dt.datetime.now(dt.UTC)
        self._tables: list[str] = []
        self._restore = ""
        self._channels: dict[str, dict[str, Any]] = {}
        self._began_at = self.now
        self._count = 0

    @property
    def channel(self) -> PausingChannel:
        return self.channel_named("fake")

    def channel_named(self, name: str) -> PausingChannel:
        channel = get_channel(name)
        assert isinstance(channel, PausingChannel)  # noqa: S101  (by our own settings)
        return channel

    def empty(self) -> None:
        """Nothing but a shop that sells tea."""
        self.now = self.start
        with connection.cursor() as cursor:
            cursor.execute(_without_triggers(map(_delete, _tables())))
        for name in CHANNELS:
            self.channel_named(name).__init__(name=name)  # type: ignore[misc]
        a_product("tea")
        Stock.objects.create(sku="tea", available=STOCK)
        Endpoint.objects.create(
            name="warehouse",
            url="https://warehouse.example/",
            secret="-",  # noqa: S106
            created_at=self.now,
        )

    def keep(self) -> None:
        """The scene begins like this, from now on."""
        filled = []
        with connection.cursor() as cursor:
            cursor.execute(f"DROP SCHEMA IF EXISTS {SHADOWS} CASCADE; CREATE SCHEMA {SHADOWS}")
            for name in _tables():
                cursor.execute(f"SELECT EXISTS (SELECT FROM {name})")  # noqa: S608  (our tables)
                if cursor.fetchone()[0]:
                    cursor.execute(f"CREATE TABLE {SHADOWS}.{name} AS TABLE {name}")
                    filled.append(name)
        put_back = list(map(_delete, _tables()))
        put_back += [f"INSERT INTO {name} TABLE {SHADOWS}.{name};" for name in filled]
        self._restore = _without_triggers(put_back)
        self._channels = {name: self.channel_named(name).save() for name in CHANNELS}
        self._began_at = self.now

    def put_back(self) -> None:
        """The beginning of the scene again: rows, channels and clock."""
        self.now = self._began_at
        for name, known in self._channels.items():
            self.channel_named(name).load(known)
        self._count += 1
        with connection.cursor() as cursor:
            cursor.execute(self._restore)
            if self._count % VACUUM_EVERY == 0:
                cursor.execute("VACUUM")

    def pass_time(self, seconds: float) -> None:
        self.now += dt.timedelta(seconds=seconds)


@contextmanager
def stage() -> Iterator[Stage]:
    """A stage on the database of the settings, which has its tables; what was in them is lost.

    Wake-ups are thrown away: they are never the record. One question at a time is asked, so that
    pauses in a channel have an order.
    """
    with ExitStack() as stack:
        logging.disable(logging.CRITICAL)
        stack.callback(logging.disable, logging.NOTSET)
        stack.enter_context(override_settings(**SETTINGS))
        stack.enter_context(mock.patch.object(wake.breaker, "quiet_until", math.inf))
        stack.enter_context(mock.patch.object(consulting, "THREADS", 1))
        stack.enter_context(mock.patch.object(refunding, "THREADS", 1))
        stack.enter_context(mock.patch.object(answers, "time", _Stopwatch()))
        stack.enter_context(mock.patch.object(answers, "_LOOK_EVERY", answers.PATIENCE / 4))
        crew = stack.enter_context(Crew())
        stack.enter_context(mock.patch.object(third_party, "pause", crew.pause))
        built = Stage(crew)
        stack.enter_context(mock.patch.object(timezone, "now", lambda: built.now))  # noqa: PT008
        stack.callback(_drop_shadows)
        yield built


class _Stopwatch:
    """Stands still but for who sleeps: so many looks, however long they take."""

    def __init__(self) -> None:
        self._seconds = 0.0

    def monotonic(self) -> float:
        return self._seconds

    def sleep(self, seconds: float) -> None:
        self._seconds += seconds


def operator(name: str) -> dict[str, str]:
    """Who may refund; the headers that show it to the API."""
    user: AbstractBaseUser = get_user_model().objects.create_user(username=name)
    user.user_permissions.add(Permission.objects.get(codename="refund_payment"))  # type: ignore[attr-defined]
    return {"Authorization": f"Token {Token.objects.create(user=user).key}"}


def _tables() -> list[str]:
    """Those that interleavings write to; permissions and content types stay."""
    models = [model for label in OUR_APPS for model in apps.get_app_config(label).get_models()]
    names = {model._meta.db_table for model in models} | {"auth_user_user_permissions"}
    return sorted(names - {"auth_permission", "auth_group"})


def _delete(table: str) -> str:
    return f"DELETE FROM {table};"  # noqa: S608  (a table of ours)


def _without_triggers(statements: Any) -> str:
    """They refuse to rewrite history, which is what it takes to begin anew."""
    return (
        "SET session_replication_role = replica;"
        + "".join(statements)
        + "SET session_replication_role = DEFAULT"
    )


def _drop_shadows() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA IF EXISTS {SHADOWS} CASCADE")
