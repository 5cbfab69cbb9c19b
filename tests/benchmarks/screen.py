"""From the wallet's "paid" to the shopper's screen, in a real browser: `make measure-screen`.

Each page waits open in the fog while its shopper pays in the wallet's app. The time is counted from
the moment at which the wallet wrote "paid" to the one at which the page said it; both are of one
clock. The ways take turns, so that all of them meet the same machine:

- push: the callback arrives, and the page is told over the WebSocket;
- poll: the callback arrives, and no WebSocket gets through;
- consult, come back: the callback is lost, and the shopper comes back to the page;
- consult, left alone: the callback is lost, and nobody looks: the schedule alone (10 s, 30 s …).
"""

import argparse
import asyncio
import datetime as dt
import random
import re
import statistics
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, async_playwright

from config import embedded
from tests.browser.shopper import chromium
from tests.live.world import Purchase, World, running

WAYS = ("push", "poll", "consult, come back", "consult, left alone")
USUAL = {
    "NODROP_CONSULT_SCHEDULE": "10,30,60,180,300,600,1800",
    "NODROP_CHANNEL_TIMEOUT": "5",
    "NODROP_API_LIMITS": "0",  # all shoppers come from one address
}
NOTE_WHEN_PAID = """
const look = () => {
    const state = document.querySelector('#result')?.dataset.state;
    if (state === 'paid' && !window.paidAt) window.paidAt = Date.now();
};
new MutationObserver(look).observe(document, {subtree: true, childList: true, attributes: true});
"""
COME_BACK = "document.dispatchEvent(new Event('visibilitychange'))"


async def measure(world: World, browser: Browser, way: str, seed: str) -> float:
    """Seconds from the wallet's "paid" to the screen."""
    chance = random.Random(seed)
    purchase = await asyncio.to_thread(world.buy, **_faults(way))
    context = await browser.new_context()
    try:
        page = await context.new_page()
        await page.add_init_script(NOTE_WHEN_PAID)
        if way == "poll":
            await page.route_web_socket(re.compile(".*"), lambda socket: socket.close(code=1011))
        await page.goto(await asyncio.to_thread(_link, world, purchase))
        await page.wait_for_selector("#result[data-state=confirming]")
        await asyncio.sleep(chance.uniform(1, 6))
        assert await asyncio.to_thread(purchase.shopper, "pay") == 200
        if way == "consult, come back":
            await page.evaluate(COME_BACK)
        return await _shown_at(page) - await asyncio.to_thread(_paid_at, world, purchase)
    finally:
        await context.close()


def _faults(way: str) -> dict[str, Any]:
    return {"lose_callback": 1} if way.startswith("consult") else {}


def _link(world: World, purchase: Purchase) -> str:
    """Where the wallet sends the shopper back to."""
    return str(world.ledger()[purchase.payment_no]["return_url"])


async def _shown_at(page: Page) -> float:
    await page.wait_for_selector("#result[data-state=paid]", timeout=90_000)
    return float(await page.evaluate("window.paidAt")) / 1000


def _paid_at(world: World, purchase: Purchase) -> float:
    paid_at = world.ledger()[purchase.payment_no]["captures"][0]["at"]
    return dt.datetime.fromisoformat(paid_at).timestamp()


async def run(world: World, *, count: int, at_once: int) -> dict[str, list[float]]:
    took: dict[str, list[float]] = defaultdict(list)
    gate = asyncio.Semaphore(at_once)

    async def one(way: str, number: int) -> None:
        async with gate:
            took[way].append(await measure(world, browser, way, f"{way}/{number}"))

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox"]
        )
        await asyncio.gather(*(one(way, number) for number in range(count) for way in WAYS))
        await browser.close()
    return took


def table(took: dict[str, list[float]]) -> str:
    lines = ["| way | payments | p50 | p99 | worst |", "|---|---|---|---|---|"]
    for way in WAYS:
        cuts = statistics.quantiles(took[way], n=100, method="inclusive")
        figures = (cuts[49], cuts[98], max(took[way]))
        lines.append(
            f"| {way} | {len(took[way])} | "
            + " | ".join(f"{each:.2f} s" for each in figures)
            + " |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.screen")
    parser.add_argument("--count", type=int, default=200, help="payments for each way")
    parser.add_argument("--at-once", type=int, default=6, help="pages that are open at once")
    asked = parser.parse_args()
    if chromium() is None:
        sys.exit("no Chromium here: `make test-browser` installs Debian's")
    with (
        tempfile.TemporaryDirectory() as folder,
        embedded.lease(throwaway=True),
        running(Path(folder), push=True, env=USUAL) as world,
    ):
        print(table(asyncio.run(run(world, count=asked.count, at_once=asked.at_once))))


if __name__ == "__main__":
    main()
