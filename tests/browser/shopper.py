"""A shopper in a real browser: she sees what the page says, and taps what it offers."""

import re
import shutil
from types import TracebackType
from typing import Any, Self

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from config import embedded
from tests.live.world import World, eventually

SHOTS = embedded.BASE_DIR / "artefacts" / "browser"  # kept by CI
DEVICES: dict[str, dict[str, Any]] = {
    "phone": {
        "viewport": {"width": 390, "height": 844},
        "device_scale_factor": 2,
        "is_mobile": True,
        "has_touch": True,
    },
    "desktop": {"viewport": {"width": 1280, "height": 900}},
}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PATIENCE = 20_000  # ms
EXPECTED = (  # what a page can't help: it was cut off on purpose, or left in mid-fade
    "net::ERR_INTERNET_DISCONNECTED",
    "WebSocket connection to",
    "Failed to load resource",
    "Transition was skipped",
)


def chromium() -> str | None:
    """Debian's, or what else goes by its name."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


class Shopper:
    """One browser profile: cookies, tabs and a device of its own. Leaves pictures behind."""

    def __init__(
        self, world: World, browser: Browser, *, device: str, story: str, **options: Any
    ) -> None:
        self.world, self.device, self.story = world, device, story
        self.complaints: list[str] = []
        self._shots = 0
        given = {"locale": "en-GB", "timezone_id": "Europe/Berlin"} | DEVICES[device] | options
        self.context: BrowserContext = browser.new_context(**given)
        self.context.set_default_timeout(PATIENCE)
        self.order_no = ""
        self.page = self.open_tab()

    def open_tab(self) -> Page:
        page = self.context.new_page()
        page.on("pageerror", lambda error: self._complain(str(error)))
        page.on("console", self._overhear)
        return page

    # --- what she does ---------------------------------------------------------------------------

    def choose(self, sku: str = "umbrella") -> None:
        """To the checkout with one of them."""
        self.page.goto(f"{self.world.web}/products/{sku}/")
        self.page.get_by_role("button", name="Buy now").click()
        self.page.wait_for_url("**/checkout/**")

    def go_to_pay(self, page: Page | None = None) -> None:
        """Take the first way to pay; the wallet's page opens."""
        page = page or self.page
        page.get_by_role("button", name=re.compile(r"^Pay .* with ")).first.click()
        page.wait_for_url(f"{self.world.parts.url('wallet')}/pay/**")

    def buy(self, sku: str = "umbrella", **faults: Any) -> None:
        """Up to the wallet's page; `faults` are the wallet's switches for this payment."""
        self.choose(sku)
        self.go_to_pay()
        self.order_no = self.payment("order_no")
        self.set_faults(**faults)

    def pay(self, page: Page | None = None) -> None:
        """Press *pay* in the wallet, which leads back to the shop."""
        page = page or self.page
        page.locator("button[value=pay]").click()
        page.wait_for_url("**/orders/**")

    def pay_elsewhere(self) -> None:
        """In the wallet's own app, while the browser shows something else."""
        self.deed("pay")

    def deed(self, what: str) -> None:
        url = f"{self.world.parts.url('wallet')}/shopper/{self.payment('payment_no')}/{what}"
        self.world.http.post(url, timeout=10).raise_for_status()

    def set_faults(self, **faults: Any) -> None:
        self.world.wallet("PUT", f"/faults/{self.payment('payment_no')}", json=faults)

    def visit_order(self, page: Page | None = None) -> None:
        (page or self.page).goto(f"{self.world.web}/orders/{self.order_no}/")

    # --- what she sees ---------------------------------------------------------------------------

    def sees(self, *states: str, page: Page | None = None, within: float = PATIENCE) -> None:
        """Wait until the result says one of the states; ms."""
        pattern = re.compile("^(" + "|".join(states) + ")$")
        result = (page or self.page).locator("#result")
        expect(result).to_have_attribute("data-state", pattern, timeout=within)

    def state(self, page: Page | None = None) -> str | None:
        return (page or self.page).locator("#result").get_attribute("data-state")

    def looks(self, name: str, page: Page | None = None) -> None:
        """Keep a picture, and find nothing that somebody could not see, read or reach."""
        page = page or self.page
        self._shots += 1
        file = SHOTS / f"{self.story}-{self.device}-{self._shots}-{name}.png"
        page.screenshot(path=file, full_page=True, animations="disabled")
        found = Axe().run(page, options={"runOnly": RULES, "resultTypes": ["violations"]})
        nodes = [
            f"{each['id']}: {node['html'][:200]}"
            for each in found.response["violations"]
            for node in each["nodes"]
        ]
        assert nodes == [], f"axe on {name}"
        width = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert width <= 0, f"{name} is {width} px wider than the screen"

    # --- what is true ----------------------------------------------------------------------------

    def payment(self, column: str) -> Any:
        """Of the newest payment: hers, since the stories come one after another."""
        return self.world.rows(f"SELECT {column} FROM payments_payment ORDER BY id DESC LIMIT 1")[
            0
        ][0]

    def payments(self) -> list[str]:
        """The statuses of her order's payments, oldest first."""
        query = "SELECT status FROM payments_payment WHERE order_no = %s ORDER BY id"
        return [status for (status,) in self.world.rows(query, self.order_no)]

    def order(self, column: str) -> Any:
        query = f"SELECT {column} FROM orders_order WHERE order_no = %s"
        return self.world.rows(query, self.order_no)[0][0]

    def order_becomes(self, status: str) -> None:
        eventually(lambda: self.order("status"), status)

    # --- the rest --------------------------------------------------------------------------------

    def _overhear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._complain(message.text)

    def _complain(self, text: str) -> None:
        if not any(part in text for part in EXPECTED):
            self.complaints.append(text)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self.page.screenshot(path=SHOTS / f"FAILED-{self.story}-{self.device}.png")
        self.context.close()
