"""What a pair is played on: one database, set up once and put back cheaply before each seed."""

import datetime as dt
import logging
import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from random import Random
from types import SimpleNamespace
from typing import Any
from unittest import mock

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser, Permission
from django.core import signing
from django.test import override_settings
from django.utils import timezone
from rest_framework.authtoken.models import Token

from common import numbers, wake
from orders.models import Endpoint, Stock
from payments.channels.registry import get_channel
from payments.models import payment as payment_model
from payments.services import batches, consulting, postponing, starting
from payments.services.refunding import loop as refunding
from proof.races import channel as third_party
from proof.races.channel import PausingChannel
from proof.races.crew import Crew
from proof.races.scene import Scene, scene
from shop import answers
from tests.factories import a_product
from workers import closing

STOCK = 10
STOPWATCHES = (batches, consulting, starting, refunding, closing)
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

    def __init__(self, crew: Crew, scene: Scene) -> None:
        self.crew = crew
        self.start = self.now = dt.datetime.now(dt.UTC)
        self.chance = Random()
        self.judged: dict[str, Sequence[str]] = {}  # what is wrong, by how this scene ended
        self._scene = scene
        self._channels: dict[str, dict[str, Any]] = {}
        self._began_at = self.now

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
        self._scene.empty()
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
        self._scene.keep()
        self._channels = {name: self.channel_named(name).save() for name in CHANNELS}
        self._began_at = self.now
        self.judged = {}

    def put_back(self) -> None:
        """The beginning of the scene again: rows, channels, clock and chance."""
        self.now = self._began_at
        self.chance.seed(0)
        for name, known in self._channels.items():
            self.channel_named(name).load(known)
        self._scene.put_back()

    def how_it_is(self) -> str:
        """The same when all rows and all that the channels know are the same, and only then."""
        channels = [self.channel_named(name).save() for name in CHANNELS]
        to_come = hash(self.chance.getstate())
        return f"{self._scene.what_is_there()} {self.now} {to_come} {channels}"

    def seconds(self) -> float:
        """The clock as `time.time` tells it."""
        return self.now.timestamp()

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
        for module in STOPWATCHES:
            stack.enter_context(mock.patch.object(module, "time", _Stopwatch(tick=0.001)))
        stack.enter_context(mock.patch.object(answers, "time", _Stopwatch()))
        stack.enter_context(mock.patch.object(answers, "_LOOK_EVERY", answers.PATIENCE / 4))
        crew = stack.enter_context(Crew())
        stack.enter_context(mock.patch.object(third_party, "pause", crew.pause))
        built = Stage(crew, stack.enter_context(scene()))
        stack.enter_context(mock.patch.object(timezone, "now", lambda: built.now))  # noqa: PT008
        stack.enter_context(mock.patch.object(signing, "time", SimpleNamespace(time=built.seconds)))
        _replace_chance(stack, built.chance)
        yield built


def _replace_chance(stack: ExitStack, chance: Random) -> None:
    """Numbers and waits follow from the interleaving, too."""
    token = SimpleNamespace(token_hex=lambda size: chance.randbytes(size).hex())
    stack.enter_context(mock.patch.object(numbers, "secrets", chance))
    stack.enter_context(mock.patch.object(payment_model, "secrets", token))
    for module in (batches, postponing):
        stack.enter_context(mock.patch.object(module, "_random", chance))


class _Stopwatch:
    """Goes on by so many seconds with each look, and for who sleeps, however long it takes."""

    def __init__(self, tick: float = 0.0) -> None:
        self._tick = tick
        self._seconds = 0.0

    def monotonic(self) -> float:
        self._seconds += self._tick
        return self._seconds

    def sleep(self, seconds: float) -> None:
        self._seconds += seconds


def operator(name: str) -> dict[str, str]:
    """Who may refund; the headers that show it to the API."""
    user: AbstractBaseUser = get_user_model().objects.create_user(username=name)
    user.user_permissions.add(Permission.objects.get(codename="refund_payment"))  # type: ignore[attr-defined]
    return {"Authorization": f"Token {Token.objects.create(user=user).key}"}
