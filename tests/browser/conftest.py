"""A real shop in real processes, and a real browser. Without a Chromium these tests are skipped."""

import os

import pytest
from playwright.sync_api import sync_playwright

from tests.browser.shopper import SHOTS, Shopper, chromium
from tests.live.world import running


@pytest.fixture(scope="session")
def the_shop(tmp_path_factory):
    with running(tmp_path_factory.mktemp("browser"), push=True) as world:
        yield world


@pytest.fixture
def shop(the_shop):
    """Clean switches before each story."""
    the_shop.wallet("DELETE", "/faults")
    return the_shop


@pytest.fixture(scope="module")
def browser():
    """One for a module: while it runs, its event loop bars Django from the database."""
    path = chromium()
    if path is None:
        pytest.skip("no Chromium here: `make test-browser` installs Debian's")
    SHOTS.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        # Root's Chromium has no sandbox; the pages are our own.
        running_browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield running_browser
        running_browser.close()


# `make test-browser` tells each story on both; `make test` the stories on the smaller screen.
ON = os.environ.get("BROWSER_DEVICES", "phone").split(",")


@pytest.fixture(params=ON)
def device(request):
    return request.param


@pytest.fixture
def shopper(shop, browser, device, request):
    """A shopper with a browser of her own; `shopper.meet(...)` opens another one."""
    story = request.node.name.partition("[")[0].removeprefix("test_")
    with Shopper(shop, browser, device=device, story=story) as somebody:
        yield somebody
        assert somebody.complaints == []
