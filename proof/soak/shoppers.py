"""The load: shoppers with an app and a wallet, and a support desk that gives money back."""

import itertools
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests

# What a shopper has in mind, and how many of a hundred do.
MINDS = {
    "pays and waits": 26,
    "pays and closes the app": 18,
    "pays and comes back": 12,
    "looks and leaves": 5,
    "cancels": 5,
    "cancels while paying": 6,
    "cancels and is charged late": 4,
    "is charged twice": 4,
    "is declined and pays again": 6,
    "taps twice": 5,
    "wants some money back": 5,
    "wants all money back": 4,
}
PATIENCE = 45.0  # seconds for which a shopper goes on asking a shop that does not answer
POLLS = 60  # at the most
# What is no answer yet: an app asks again.
ASK_LATER = ("urn:nodrop:still-being-confirmed", "urn:nodrop:still-answering")
FOG = ("created", "paying")
HAD_MONEY = ("paid", "refunded")
GOODS = ("umbrella", "teapot", "rubber-duck", "matcha")


class GaveUp(Exception):
    """The shop did not answer for as long as a shopper's patience lasts."""


class Refused(Exception):
    """The shop or the wallet said no."""


@dataclass
class Crowd:
    """So many shoppers at a time, `pace` orders a second, until `stop`."""

    web: str
    wallet: str
    seed: int
    pace: float
    people: int = 40
    counts: Counter[str] = field(default_factory=Counter)
    wrongs: list[str] = field(default_factory=list)  # what no client may ever see

    def __post_init__(self) -> None:
        self._numbers = itertools.count(1)
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._shop, name=f"shopper-{n}", daemon=True)
            for n in range(self.people)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """No new shopper comes; those who are there finish."""
        self._stopping.set()

    def wait(self, *, seconds: float) -> int:
        """How many are still there after so many seconds at the most."""
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return sum(thread.is_alive() for thread in self._threads)

    def count(self, what: str) -> None:
        with self._lock:
            self.counts[what] += 1

    def _shop(self) -> None:
        while not self._stopping.is_set():
            chance = random.Random(f"{self.seed}/shopper/{next(self._numbers)}")
            shopper = Shopper(self, chance)
            try:
                shopper.live()
            except (GaveUp, Refused) as error:
                self.count(f"left: {type(error).__name__}")
            finally:
                shopper.close()
            self._stopping.wait(chance.expovariate(self.pace / self.people))


class Shopper:
    """One order from the first look to the end of a shopper's interest."""

    def __init__(self, crowd: Crowd, chance: random.Random) -> None:
        self.crowd, self.chance = crowd, chance
        self.mind = chance.choices(list(MINDS), list(MINDS.values()))[0]
        self.hesitates = chance.uniform(0, 2)
        self.sku = chance.choice(GOODS)
        self.http = requests.Session()
        self.http.trust_env = False
        self.order_no = self.token = self.payment_no = self.pay_url = ""
        self.told: dict[str, Any] = {}

    def close(self) -> None:
        self.http.close()

    def live(self) -> None:
        self._order()
        self._start()
        time.sleep(self.hesitates)
        deeds: dict[str, Callable[[], None]] = {
            "pays and waits": lambda: self._pay_and(self._watch),
            "pays and closes the app": self._pay,
            "pays and comes back": lambda: self._pay_and(self._come_back),
            "looks and leaves": lambda: None,
            "cancels": self._cancel,
            "cancels while paying": self._cancel_while_paying,
            "cancels and is charged late": self._charged_late,
            "is charged twice": self._charged_twice,
            "is declined and pays again": self._pay_again,
            "taps twice": self._tap_twice,
            "wants some money back": lambda: self._money_back(50),
            "wants all money back": lambda: self._money_back(None),
        }
        deeds[self.mind]()

    def _order(self) -> None:
        key = str(uuid.UUID(int=self.chance.getrandbits(128)))
        body = {"lines": [{"sku": self.sku, "quantity": 1}]}
        answer = self._insist("POST", "/api/v1/orders", json=body, headers={"Idempotency-Key": key})
        self.order_no, self.token = answer["order_no"], answer["token"]
        self.crowd.count("orders")

    def _start(self) -> None:
        """Until the app knows what to open."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            answer = self._insist(
                "POST", f"/api/v1/orders/{self.order_no}/payments", json={"channel": "sandbox"}
            )
            if answer["payment_no"] != self.payment_no:
                self.payment_no, self.told = answer["payment_no"], {}
                self.crowd.count("payments")
            if answer["action"]:
                self.pay_url = answer["action"]["url"]
                return
            if answer["status"] not in ("created", "paying"):
                return  # it has ended already: money was taken in the meantime
            time.sleep(1)
        raise GaveUp

    def _pay(self) -> None:
        if self.pay_url:
            self._wallet(self.pay_url, data={"action": "pay"})

    def _pay_and(self, then: Callable[[], None]) -> None:
        self._pay()
        then()

    def _deed(self, deed: str) -> None:
        self._wallet(f"{self.crowd.wallet}/shopper/{self.payment_no}/{deed}")

    def _wallet(self, url: str, **options: Any) -> None:
        """A deed in the wallet, which is always there for shoppers; a refusal is none of ours."""
        answer = self.http.post(url, timeout=20, allow_redirects=False, **options)
        if answer.status_code >= 500:
            raise Refused(answer.text)

    def _come_back(self) -> None:
        self._insist("POST", f"/api/v1/payments/{self.payment_no}/returned")
        self._watch()

    def _watch(self) -> None:
        """Poll as the answers say, and note whatever was taken back."""
        for _ in range(POLLS):
            told = self._insist("GET", f"/api/v1/payments/{self.payment_no}/status")
            self._note(told)
            if told["final"] or told["poll_after_ms"] is None:
                return
            time.sleep(told["poll_after_ms"] / 1000)

    def _note(self, told: dict[str, Any]) -> None:
        before, self.told = self.told, told
        if before and any(
            [
                told["version"] < before["version"],
                told["status"] in FOG and before["status"] not in FOG,
                before["order_status"] == "paid" and told["order_status"] not in HAD_MONEY,
            ]
        ):
            self.crowd.wrongs.append(f"{self.payment_no}: was told {before}, then {told}")

    def _cancel(self) -> None:
        self._insist("POST", f"/api/v1/orders/{self.order_no}/cancel", refused=(409,))

    def _cancel_while_paying(self) -> None:
        paying = threading.Thread(target=self._pay_with_another_app)
        paying.start()
        try:
            self._cancel()
        finally:
            paying.join()
        self._watch()

    def _pay_with_another_app(self) -> None:
        if self.pay_url:
            with requests.Session() as http:
                http.trust_env = False
                http.post(self.pay_url, data={"action": "pay"}, timeout=20, allow_redirects=False)

    def _charged_late(self) -> None:
        self._cancel()
        time.sleep(self.chance.uniform(0, 4))
        self._deed("pay_late")

    def _charged_twice(self) -> None:
        self._pay()
        time.sleep(self.chance.uniform(0, 3))
        self._deed("charge_again")

    def _pay_again(self) -> None:
        self._deed("decline")
        self._watch()
        self._start()
        self._pay()
        self._watch()

    def _tap_twice(self) -> None:
        self._start()
        self._pay_and(self._watch)

    def _money_back(self, amount: int | None) -> None:
        """The support desk asks with one key, however often it has to."""
        self._pay_and(self._watch)
        key = str(uuid.UUID(int=self.chance.getrandbits(128)))
        body: dict[str, Any] = {"note": "does not like it"}
        headers = {"Authorization": "Token support", "Idempotency-Key": key}
        path = f"/api/v1/orders/{self.order_no}/refunds"
        if amount:
            body["amount"] = amount
        if self._insist("POST", path, json=body, headers=headers, refused=(400, 409)):
            self.crowd.count("refunds asked for")

    def _insist(
        self,
        method: str,
        path: str,
        *,
        refused: tuple[int, ...] = (),
        headers: dict[str, str] | None = None,
        json: object = None,
    ) -> dict[str, Any]:
        """Ask until there is an answer; `refused`: what is a no that we expect, told as {}."""
        deadline = time.monotonic() + PATIENCE
        headers = headers or {"X-Order-Token": self.token}
        while time.monotonic() < deadline:
            try:
                answer = self.http.request(
                    method, self.crowd.web + path, headers=headers, json=json, timeout=15
                )
                found: dict[str, Any] = answer.json() if answer.status_code < 500 else {}
            except (requests.RequestException, ValueError):
                self.crowd.count("no answer")
                time.sleep(0.5)
                continue
            if answer.ok:
                return found
            if answer.status_code in refused:
                return {}
            name = str(found.get("type"))
            later = answer.status_code in (408, 425, 429) or name in ASK_LATER
            if answer.status_code < 500 and not later:
                if answer.status_code != 409:  # nothing that a shopper of ours asks for is wrong
                    self.crowd.wrongs.append(f"{method} {path}: {answer.status_code} {found}")
                raise Refused(name)
            self.crowd.count(f"HTTP {answer.status_code}")
            time.sleep(0.5)
        raise GaveUp
