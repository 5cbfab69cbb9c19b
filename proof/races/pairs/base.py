"""What a pair is: a scene, parts that run at once, and what must be so afterwards."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from django.test import Client

from orders.models import Order
from payments.models import Payment
from proof.races.crew import Part
from proof.races.stage import Stage
from tests.flows.world import App, relay_all

HALF_AN_HOUR = 1800.0  # seconds that an order may be paid


class Pair:
    """One of these for each exploration: `set_up` once, then `parts` and `check` for each seed.

    What `set_up` leaves is put back before each seed, with the same numbers.
    """

    name = ""
    why = ""  # what could go wrong here

    def set_up(self, stage: Stage) -> None:
        raise NotImplementedError

    def parts(self, stage: Stage) -> dict[str, Part]:
        raise NotImplementedError

    def check(self, stage: Stage, results: Mapping[str, Any]) -> Iterable[str]:
        """What is wrong besides the general rules; called when the shop has come to rest."""
        return ()

    def conditions(self) -> AbstractContextManager[object]:
        """What else has to hold while it plays."""
        return nullcontext()

    def buy(self, stage: Stage) -> Payment:
        """A guest orders tea and starts to pay; the order knows of it."""
        self.app = App()
        payment = self.app.buy()
        relay_all(stage.now)
        return payment


def call_back(stage: Stage, payment_no: str, **options: Any) -> int:
    """The channel's POST about a payment as it now is; what it was answered."""
    return post_callback(stage.channel.callback(payment_no, **options))


def post_callback(callback: tuple[dict[str, str], bytes], to: str = "fake") -> int:
    headers, body = callback
    client = Client(raise_request_exception=False)
    path = f"/callbacks/{to}/"
    answer = client.post(path, data=body, content_type="application/json", headers=headers)
    return answer.status_code


def ask(path: str, body: object, headers: Mapping[str, str]) -> Any:
    """An app's POST, and the test client's answer."""
    client = Client(raise_request_exception=False)
    return client.post(
        f"/api/v1{path}",
        data=json.dumps(body),
        content_type="application/json",
        headers=dict(headers),
    )


def pay_in_wallet(stage: Stage, payment_no: str) -> int | None:
    """The shopper pays, if the channel still takes the money; then it calls back."""
    stage.crew.pause("the shopper pays, if she still can")
    if stage.channel.reports[payment_no].state != "pending":
        return None
    stage.channel.pay(payment_no)
    return call_back(stage, payment_no)


def unlike(what: str, found: object, allowed: Iterable[object]) -> Iterator[str]:
    """Says so if something is none of what is allowed."""
    allowed = list(allowed)
    if found not in allowed:
        yield f"{what}: {found!r}, and not {' or '.join(map(repr, allowed))}"


def history(payment: Payment) -> str:
    return " → ".join(payment.events.order_by("seq").values_list("to_status", flat=True))


def standing(order_no: str) -> str:
    return str(Order.objects.get(order_no=order_no).status)
