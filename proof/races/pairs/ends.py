"""Somebody ends it while money comes: what the channel took is sold, or goes back."""

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from celery import current_app

from payments.models import Payment
from payments.states import IN_FOG
from proof.races.crew import Part
from proof.races.pairs.base import HALF_AN_HOUR, Pair, ask, pay_in_wallet, standing, unlike
from proof.races.stage import CHANNELS, Stage
from tests.flows.world import App
from workers import closing


class _Ending(Pair):
    """A payment in the fog, and a shopper who pays it while something else happens."""

    def set_up(self, stage: Stage) -> None:
        self.payment = self.buy(stage)
        self.order_no = self.payment.order_no

    def held_and_order(self, stage: Stage) -> tuple[int, str]:
        held = sum(stage.channel_named(name).held() for name in CHANNELS)
        return held, standing(self.order_no)

    def end_of(self, stage: Stage, *, unpaid: str) -> Iterator[str]:
        """Paid, or not: the order and the money agree, and the payment has its end."""
        price = self.payment.amount
        yield from unlike("end", self.held_and_order(stage), [(price, "paid"), (0, unpaid)])
        in_fog = Payment.objects.filter(status__in=IN_FOG).values_list("status", flat=True)
        yield from unlike("in the fog", list(in_fog), [[]])


class CloseSettle(_Ending):
    name = "close/settle"
    why = "the shopper pays while her expired order is being closed"

    def set_up(self, stage: Stage) -> None:
        super().set_up(stage)
        stage.pass_time(HALF_AN_HOUR + 5)

    def parts(self, stage: Stage) -> dict[str, Part]:
        return {
            "close": current_app.tasks["workers.close_due"],
            "shopper": lambda: pay_in_wallet(stage, self.payment.payment_no),
        }

    def check(self, stage: Stage, results: Mapping[str, Any]) -> Iterator[str]:
        yield from unlike("close", results["close"], [None])
        yield from unlike("callback", results["shopper"], [200, None])
        yield from self.end_of(stage, unpaid="closed")


class CancelSettle(_Ending):
    name = "cancel/settle"
    why = "the shopper cancels in one window and pays in another"

    def parts(self, stage: Stage) -> dict[str, Part]:
        return {
            "cancel": lambda: (
                ask(f"/orders/{self.order_no}/cancel", {}, self.app.headers).status_code
            ),
            "shopper": lambda: pay_in_wallet(stage, self.payment.payment_no),
        }

    def check(self, stage: Stage, results: Mapping[str, Any]) -> Iterator[str]:
        yield from unlike("cancel", results["cancel"], [200, 409])
        yield from unlike("callback", results["shopper"], [200, None])
        yield from self.end_of(stage, unpaid="cancelled")


class PayAgainSettle(_Ending):
    name = "pay again/settle"
    why = "she pays again at another channel while the first payment is being paid"

    def parts(self, stage: Stage) -> dict[str, Part]:
        path = f"/orders/{self.order_no}/payments"
        return {
            "pay again": lambda: ask(path, {"channel": "other"}, self.app.headers).status_code,
            "shopper": lambda: pay_in_wallet(stage, self.payment.payment_no),
        }

    def check(self, stage: Stage, results: Mapping[str, Any]) -> Iterator[str]:
        yield from unlike("pay again", results["pay again"], [201, 409])
        yield from unlike("callback", results["shopper"], [200, None])
        second = Payment.objects.filter(channel="other", status__in=IN_FOG).count()
        price = self.payment.amount
        end = (*self.held_and_order(stage), second)
        yield from unlike("end", end, [(price, "paid", 0), (0, "paying", 1)])


class ExpirePay(Pair):
    name = "expire/pay"
    why = "she starts to pay in the last second, and the worker's clock is a little ahead"

    def set_up(self, stage: Stage) -> None:
        self.app = App()
        self.order_no = self.app.order()["order_no"]
        stage.pass_time(HALF_AN_HOUR - 1)

    def parts(self, stage: Stage) -> dict[str, Part]:
        ahead = stage.now + dt.timedelta(seconds=2)
        return {
            "expire": lambda: closing.close_due(now=ahead),
            "shopper": lambda: self.start_and_pay(stage),
        }

    def start_and_pay(self, stage: Stage) -> tuple[int, int | None]:
        path = f"/orders/{self.order_no}/payments"
        started = ask(path, {"channel": "fake"}, self.app.headers)
        if not started.json().get("action"):
            return started.status_code, None
        return started.status_code, pay_in_wallet(stage, started.json()["payment_no"])

    def check(self, stage: Stage, results: Mapping[str, Any]) -> Iterator[str]:
        yield from unlike("expire", results["expire"], [0, 1])
        allowed = [(201, 200), (201, None), (202, None), (409, None), (502, None)]
        yield from unlike("shopper", results["shopper"], allowed)
        end = (stage.channel.held(), standing(self.order_no))
        yield from unlike("end", end, [(1250, "paid"), (0, "closed"), (0, "refunded")])
