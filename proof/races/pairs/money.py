"""Two who hand on or give back the same money: once is enough."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any
from unittest import mock

from celery import current_app
from django.db.models import Sum

from orders.models import LedgerEntry
from payments.channels.base import ChannelState, RefundState
from payments.models import Payment, Refund
from proof.races.crew import Part
from proof.races.pairs.base import Pair, ask, call_back, standing, unlike
from proof.races.stage import Stage, operator
from tests.flows.world import relay_all
from workers import relay


class RefundRefund(Pair):
    name = "refund/refund"
    why = "two operators give back more together than came, and one of them clicks twice"

    def set_up(self, stage: Stage) -> None:
        stage.channel.refund_state = RefundState.SUCCEEDED
        self.payment = self.buy(stage)
        stage.channel.pay(self.payment.payment_no)
        call_back(stage, self.payment.payment_no)
        relay_all(stage.now)
        self.ann, self.bob = operator("ann"), operator("bob")

    def parts(self, stage: Stage) -> dict[str, Part]:
        path, body = f"/orders/{self.payment.order_no}/refunds", {"amount": 800, "note": "sorry"}

        def give_back(who: dict[str, str]) -> Part:
            key = {"Idempotency-Key": "the-same-for-two-clicks"}
            return lambda: ask(path, body, who | key).status_code

        return {
            "Ann": give_back(self.ann),
            "Ann again": give_back(self.ann),
            "Bob": give_back(self.bob),
        }

    def check(self, stage: Stage, results: Mapping[str, Any]) -> Iterator[str]:
        answers = (results["Ann"], results["Ann again"], results["Bob"])
        clicks = [(201, 201, 409), (201, 409, 409), (409, 201, 409)]  # 409: still being answered
        yield from unlike("answers", answers, [*clicks, (409, 409, 201)])
        sums = (
            Refund.objects.aggregate(total=Sum("amount"))["total"],
            Payment.objects.get(pk=self.payment.pk).refund_total,
            sum(each.amount or 0 for each in stage.channel.refunds.values()),
        )
        yield from unlike("refunded", sums, [(800, 800, 800)])


class RelayRelay(Pair):
    name = "relay/relay"
    why = "an order was paid twice, and three relays hand that over, one after its lease"

    def set_up(self, stage: Stage) -> None:
        stage.channel.refund_state = RefundState.SUCCEEDED
        self.first = self.buy(stage)
        stage.channel.end(self.first.payment_no, ChannelState.CLOSED)
        call_back(stage, self.first.payment_no)
        relay_all(stage.now)
        self.app.pay({"order_no": self.first.order_no})
        self.second = Payment.objects.exclude(pk=self.first.pk).get()
        relay_all(stage.now)
        for payment in (self.first, self.second):
            stage.channel.pay(payment.payment_no)
            call_back(stage, payment.payment_no)

    def conditions(self) -> AbstractContextManager[object]:
        """Small batches, so that each relay has one of the two payments."""
        return mock.patch.object(relay, "BATCH", 1)

    def parts(self, stage: Stage) -> dict[str, Part]:
        return {
            "relay": lambda: relay.relay_due(now=stage.now),
            "another": lambda: relay.relay_due(now=stage.now),
            "one later": lambda: relay.relay_due(now=stage.now + relay.LEASE),
        }

    def check(self, stage: Stage, results: Mapping[str, Any]) -> Iterator[str]:
        strange = [each for each in results.values() if each not in (0, 1, 2)]
        yield from unlike("relays", strange, [[]])
        entries = sorted(LedgerEntry.objects.values_list("entry", flat=True))
        yield from unlike("entries", entries, [["applied", "refund", "surplus"]])
        end = (standing(self.first.order_no), stage.channel.held(), len(stage.channel.refunds))
        yield from unlike("end", end, [("paid", self.first.amount, 1)])


class RelayCancel(Pair):
    name = "relay/cancel"
    why = "the shopper cancels while the order is being told that she has paid"

    def set_up(self, stage: Stage) -> None:
        self.payment = self.buy(stage)
        stage.channel.pay(self.payment.payment_no)
        call_back(stage, self.payment.payment_no)

    def parts(self, stage: Stage) -> dict[str, Part]:
        path = f"/orders/{self.payment.order_no}/cancel"
        return {
            "relay": current_app.tasks["workers.relay_due"],
            "cancel": lambda: ask(path, {}, self.app.headers).status_code,
        }

    def check(self, stage: Stage, results: Mapping[str, Any]) -> Iterator[str]:
        yield from unlike("relay", results["relay"], [None])
        yield from unlike("cancel", results["cancel"], [200, 409])
        end = (standing(self.payment.order_no), stage.channel.held())
        yield from unlike("end", end, [("paid", self.payment.amount)])
