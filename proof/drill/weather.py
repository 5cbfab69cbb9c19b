"""The drill's world: a storm that depends on the seed alone, not on who asks whom how often.

Chance is drawn by the shopper's number, the payment's, the fault's name and how often that was
drawn for it, so that two strategies meet the same shoppers, payments and faults.
"""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, TypeVar

from payments.channels.base import Charge, CloseOutcome
from proof.simulator.bank import Bank, Bill, Return
from proof.simulator.faults import Swarm
from proof.simulator.real import RealShop
from proof.simulator.shoppers import Shopper
from proof.simulator.system import Answer, News
from proof.simulator.world import Plan, Strategy, World

T = TypeVar("T")
# Per chance; the storm's own (a channel down, FLUSHALL, a kill …) strike one to four times each.
LEVELS = {
    "F01": 0.1,
    "F02": 0.05,
    "F03": 0.1,
    "F04": 0.1,
    "F06": 0.02,
    "F10": 0.01,
    "F12": 0.05,
    "F13": 0.05,
    "F14": 0.05,
    "F15": 0.03,
    "F16": 0.05,
    "F17": 0.1,
    "F19": 1.0,
    "F20": 0.01,
    "F22": 0.03,
    "F23": 0.02,
    "F24": 0.01,
    "F25": 1.0,
    "F26": 1.0,
    "F27": 1.0,
    "F28": 1.0,
    "F29": 1.0,
    "F30": 1.0,
    "F32": 0.05,
    "F36": 1.0,
    "F40": 0.001,
    "F41": 0.001,
    "F42": 0.001,
    "F48": 0.02,
    "F49": 0.02,
}


class DrillWorld(World):
    """A world whose faults are drawn by payment."""

    def __init__(self, *, seed: int, plan: Plan, strategy: Strategy) -> None:
        self.shoppers: dict[str, int] = {}  # by order
        self.ordinals: dict[str, str] = {}  # by payment: the shopper's number and which of hers
        self.shopper = 0  # whose request is being handled
        self._drawn: Counter[tuple[str, str]] = Counter()
        swarm = Swarm(Random(f"{seed}/swarm"), dict(LEVELS))
        super().__init__(seed=seed, build=DrillShop, plan=plan, strategy=strategy, swarm=swarm)

    def strikes(self, fault: str, about: str = "") -> bool:
        """By the payment that it is about; what is about none is drawn as ever."""
        if self.swarm.healed or not about:
            return super().strikes(fault, about)
        if self.chance(fault, about).random() >= self.swarm.levels.get(fault, 0.0):
            return False
        self.hit(fault, about)
        return True

    def chance(self, what: str, payment_no: str) -> Random:
        """The next stream of this payment for this purpose."""
        who = self.ordinal(payment_no)
        self._drawn[what, who] += 1
        return Random(f"{self.seed}/{what}/{who}/{self._drawn[what, who]}")

    def ordinal(self, payment_no: str) -> str:
        """A payment is first met while its shopper's request is being handled."""
        if payment_no not in self.ordinals:
            self._drawn["payment", str(self.shopper)] += 1
            number = self._drawn["payment", str(self.shopper)]
            self.ordinals[payment_no] = f"{self.shopper}.{number}"
        return self.ordinals[payment_no]


class DrillShopper(Shopper):
    """A shopper who decides the same, however often she had to try again or to poll."""

    world: DrillWorld

    def _open_wallet(self, payment_no: str, channel: str) -> None:
        self._drawing(
            "open", payment_no, lambda: super(DrillShopper, self)._open_wallet(payment_no, channel)
        )

    def _in_wallet(self, payment_no: str, channel: str) -> None:
        self._drawing(
            "wallet", payment_no, lambda: super(DrillShopper, self)._in_wallet(payment_no, channel)
        )

    def _poll_in(self, step: int, payment_no: str) -> None:
        self._drawing(
            "poll", payment_no, lambda: super(DrillShopper, self)._poll_in(step, payment_no)
        )

    def _again(self, label: str, run: Callable[[], None]) -> None:
        outer, self.rng = self.rng, self.world.rng(f"again {self.number}/{label}/{self._tries}")
        super()._again(label, run)
        self.rng = outer

    def _drawing(self, what: str, payment_no: str, act: Callable[[], None]) -> None:
        outer, self.rng = self.rng, self.world.chance(f"shopper/{what}", payment_no)
        try:
            act()
        finally:
            self.rng = outer


class DrillBank(Bank):
    """A bank whose delays are drawn by payment, too."""

    world: DrillWorld

    def create(self, charge: Charge) -> Bill:
        return self._drawing(
            "create", charge.payment_no, lambda: super(DrillBank, self).create(charge)
        )

    def take(self, bill: Bill) -> None:
        self._drawing("take", bill.payment_no, lambda: super(DrillBank, self).take(bill))

    def close(self, payment_no: str) -> CloseOutcome:
        return self._drawing("close", payment_no, lambda: super(DrillBank, self).close(payment_no))

    def call_back(self, payment_no: str, values: Mapping[str, Any]) -> None:
        self._drawing(
            "callback", payment_no, lambda: super(DrillBank, self).call_back(payment_no, values)
        )

    def _plan_end(self, refund: Return) -> None:
        self._drawing("refund", refund.payment_no, lambda: super(DrillBank, self)._plan_end(refund))

    def _drawing(self, what: str, payment_no: str, act: Callable[[], T]) -> T:
        outer, self.rng = self.rng, self.world.chance(f"bank/{what}", payment_no)
        try:
            return act()
        finally:
            self.rng = outer


class DrillShop(RealShop):
    """The real shop, with nobody who looks at its rows while it runs: what it reads is counted."""

    world: DrillWorld

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.banks = {
            name: DrillBank(
                world, name, not_found_final_after=bank.capabilities.not_found_final_after
            )
            for name, bank in self.banks.items()
        }
        self._read_for_the_world = 0

    def place(self, *, key: str) -> Answer:
        answer = super().place(key=key)
        if "order_no" in answer.body:
            self.world.shoppers[str(answer.body["order_no"])] = int(key.rpartition("-")[2])
        return answer

    def pay(self, *, order_no: str, channel: str) -> Answer:
        world = self.world
        outer, world.shopper = world.shopper, world.shoppers[order_no]
        try:
            return super().pay(order_no=order_no, channel=channel)
        finally:
            world.shopper = outer

    def news(self) -> News:
        return News([], [])

    def due_times(self) -> dict[str, dt.datetime | None]:
        """For beat's skipped ticks: production asks no such thing, so it is not counted."""
        before = self.rows_read()
        found = super().due_times()
        self._read_for_the_world += self.rows_read() - before
        return found

    @property
    def rows_read_by_itself(self) -> int:
        return self.rows_read() - self._read_for_the_world
