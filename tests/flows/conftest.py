"""A shop with tea and one in-memory channel, its app, and beat."""

from types import SimpleNamespace

import pytest
from celery import Task

from common import wake
from tests.factories import a_product
from tests.flows.books import is_conserved, owed_back
from tests.flows.world import App, Beat


@pytest.fixture
def app(channel):
    a_product("tea")
    return App()


@pytest.fixture
def beat(monkeypatch):
    return Beat(monkeypatch)


@pytest.fixture
def books(transactional_db, channel, other_channel):
    """When the story is over, no money is missing, and what is owed back is `owed`: nothing."""
    told = SimpleNamespace(owed=0)
    yield told
    assert is_conserved(channel.held() + other_channel.held())
    assert owed_back() == told.owed


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
    monkeypatch.setattr(wake.breaker, "quiet_until", 0.0)
