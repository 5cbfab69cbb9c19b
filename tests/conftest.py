"""Gives the tests a PostgreSQL and a Valkey of their own, before any setting is read.

The servers are started once for a session and shared by its workers; each worker has its own
database (pytest-django's doing) and its own Valkey number. Their data is new for each session and
deleted with it, so two sessions at once never meet. Set `DATABASE_URL` and `REDIS_URL` to test
against other servers.
"""

import os
import secrets
from contextlib import ExitStack, nullcontext
from unittest import mock
from urllib.parse import urlsplit

import django
import pytest
from xdist.scheduler import LoadGroupScheduling

# Those of a group follow one another in one worker: stories of real processes measure seconds.
GROUPS = {
    "tests/live/test_demo.py": "whole",  # these two start a shop of their own
    "tests/live/test_soak.py": "whole",
    "tests/browser/": "whole",
    "tests/live/": "live",
    "tests/proof/test_coverage.py": "coverage",  # its worlds are played once for all of its tests
}
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")

if not WORKER:  # the session itself; its workers inherit the environment
    for name in [name for name in os.environ if name.startswith("NODROP_")]:
        del os.environ[name]  # what the developer's own shell has set is not the tests' business
    os.environ["NODROP_API_LIMITS"] = "0"  # a hundred stories a second come from one address
    os.environ["NODROP_DATA"] = f"/var/tmp/nodrop-tests-{secrets.token_hex(4)}"

from config import embedded  # noqa: E402  (the addresses follow from the environment)


def _redis_url() -> str:
    """A number for each worker: cache, broker and push layer of two workers never meet."""
    number = 1 + int(WORKER.removeprefix("gw") or 0)
    given = os.environ.get("REDIS_URL") or embedded.redis_url()
    if given.startswith("unix://"):
        return f"{given.partition('?')[0]}?db={number}"
    return urlsplit(given)._replace(path=f"/{number}").geturl()


_session = ExitStack()

# Not in pyproject.toml: pytest-django would read the settings before this file is.
_servers = nullcontext() if WORKER else embedded.lease(throwaway=True)
os.environ["REDIS_URL"] = _redis_url()
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
django.setup()
if not WORKER:
    # A worker that inherits it reads the settings before this file gives it a number of its own.
    del os.environ["DJANGO_SETTINGS_MODULE"]

from django.core.cache import cache  # noqa: E402  (needs the settings)
from django.test import TransactionTestCase  # noqa: E402  (as above)

from config.celery import app  # noqa: E402  (as above)
from payments.channels.registry import get_channel  # noqa: E402  (as above)
from tests.emptying import empty_database  # noqa: E402  (as above)

app.loader.import_default_modules()  # the tasks, as a worker finds them


def pytest_configure(config: pytest.Config) -> None:
    _session.enter_context(_servers)


def pytest_unconfigure(config: pytest.Config) -> None:
    _session.close()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadGroupScheduling:
    return _ByFolder(config, log)


class _ByFolder(LoadGroupScheduling):
    """xdist 3.8 gives groups through a private attribute that pytest 9.2 has not got."""

    def _split_scope(self, nodeid: str) -> str:
        groups = (group for folder, group in GROUPS.items() if nodeid.startswith(folder))
        return next(groups, super()._split_scope(nodeid))


@pytest.fixture(autouse=True, scope="session")
def _quickly_emptied():
    with mock.patch.object(TransactionTestCase, "_fixture_teardown", empty_database):
        yield


@pytest.fixture(autouse=True)
def _quick_and_clean(settings):
    """Cheap password hashes, and a cache that remembers nothing of the test before."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    yield
    cache.clear()


@pytest.fixture
def channel(settings):
    """The in-memory channel `fake`; a second one is configured as `other`."""
    settings.NODROP_CHANNELS = {
        name: {"CLASS": "tests.fakes.FakeChannel", "LABEL": name.title()}
        for name in ("fake", "other")
    }
    return get_channel("fake")


@pytest.fixture
def other_channel(channel):
    return get_channel("other")
