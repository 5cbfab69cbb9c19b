"""Receivers on loopback, which only these tests allow."""

import pytest

from orders.deliveries import loop
from tests.orders.receiver import Receiver


@pytest.fixture
def private_allowed(settings):
    settings.NOTIFY_PRIVATE = True


@pytest.fixture
def receiver(private_allowed):
    with Receiver() as listening:
        yield listening


@pytest.fixture
def other_receiver(private_allowed):
    with Receiver() as listening:
        yield listening


@pytest.fixture
def short_deadline(monkeypatch):
    """Half a second in place of ten."""
    monkeypatch.setattr(loop, "SECONDS", 0.5)
    monkeypatch.setattr(loop, "GRACE", 0.5)
