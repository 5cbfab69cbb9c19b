"""A shop with tea and one in-memory channel, its app, and beat."""

import pytest
from celery import Task

from common import wake
from tests.factories import a_product
from tests.flows.world import App, Beat


@pytest.fixture
def app(channel):
    a_product("tea")
    return App()


@pytest.fixture
def beat(monkeypatch):
    return Beat(monkeypatch)


@pytest.fixture
def no_messages(monkeypatch):
    """Every message to Celery is thrown away; gives the names of those that were sent."""
    sent = []

    def throw_away(self, *_args, **_kwargs):
        sent.append(self.name)

    monkeypatch.setattr(Task, "apply_async", throw_away)
    return sent


@pytest.fixture(autouse=True)
def _closed_breaker(monkeypatch):
    """A broker that was down in another test is up again in this one."""
    monkeypatch.setattr(wake, "_quiet_until", 0.0)
