"""The same world, driven by Hypothesis: it chooses each step, and shrinks what fails.

Seeds give volume; here a counterexample comes out as a few steps.
"""

from contextlib import ExitStack
from random import Random
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, rule

from common.kill_points import POINTS
from payments.channels.base import ChannelState
from proof.simulator.beat import Beat
from proof.simulator.faults import Swarm
from proof.simulator.invariants import Judge
from proof.simulator.process import Process
from proof.simulator.real import RealShop, living
from proof.simulator.records import keep_records
from proof.simulator.run import finish
from proof.simulator.shoppers import Shopper
from proof.simulator.storm import Storm
from proof.simulator.world import Plan, World

CHANNELS = st.sampled_from(["north", "south"])
# Faults of one call, or of one piece of news: the next chance takes them.
NEXT = st.sampled_from(
    [
        "F01",
        "F02",
        "F03",
        "F04",
        "F12",
        "F13",
        "F14",
        "F15",
        "F16",
        "F17",
        "F18",
        "F20",
        "F22",
        "F23",
        "F32",
        "F33",
        "F34",
        "F40",
        "F41",
        "F42",
        "F50",
        "F51",
        "F52s",
    ]
)
STORMS = st.sampled_from(["F19", "F24", "F25", "F26", "F27", "F28", "F29", "F30", "F35", "F36"])
SECONDS = st.sampled_from([0.1, 1.0, 5.0, 15.0, 61.0, 600.0, 1801.0, 7200.0])


class Still(Shopper):
    """Does only what she is told to."""

    def place(self) -> None:
        for _ in range(20):  # she taps until the shop answers
            key = f"key-of-shopper-{self.number:06}"
            answer = self.world.request(lambda: self.world.system.place(key=key))  # noqa: B023
            if answer.is_ok:
                self.order_no = str(answer.body["order_no"])
                return
            self.world.pass_time(30)

    def come_back(self, payment_no: str) -> None:
        back = self.world.system.come_back
        self.see(payment_no, self.world.request(lambda: back(payment_no=payment_no)))

    def _open_wallet(self, payment_no: str, channel: str) -> None:
        """She decides later."""

    def _again(self, label: str, run: Any) -> None:
        """She does not insist."""


Held = tuple[Still, str, str]  # who pays, the payment's number (or nothing), its channel


class ShopMachine(RuleBasedStateMachine):
    """One shop; the rules are what shoppers, channels, operators and fate may do."""

    payments = Bundle("payments")

    def __init__(self) -> None:
        super().__init__()
        self._stack = ExitStack()
        shops: list[RealShop] = []

        def build(world: World) -> RealShop:
            shops.append(RealShop(world))
            return shops[0]

        swarm = Swarm(Random(0))
        self.world = World(seed="machine", build=build, plan=Plan(orders=0), swarm=swarm)
        self.banks = shops[0].banks
        self._stack.enter_context(living(self.world))
        keep_records(self.world)
        self.judge = Judge(self.world, self.banks)
        self.judge.attend()
        self.storm = Storm(self.world, self.banks, self.world.rng("storm"))
        self._shoppers = 0

    @initialize()
    def beat_begins(self) -> None:
        process = Process("beat-1", "beat")
        self.world.beats.append(process)
        self.world.on_write.append(Beat(self.world, process, self.world.rng("beat")).rearm)

    @rule(target=payments, channel=CHANNELS)
    def buys(self, channel: str) -> Held:
        """A shopper places an order and opens a wallet; nothing more by herself."""
        self._shoppers += 1
        rng = self.world.rng(f"shopper {self._shoppers}")
        shopper = Still(self.world, dict(self.banks), self._shoppers, rng)
        shopper.place()
        shopper.pay(channel)
        return shopper, *(shopper.payments[-1] if shopper.payments else ("", channel))

    @rule(payment=payments)
    def pays(self, payment: Held) -> None:
        self.banks[payment[2]].pay(payment[1])

    @rule(payment=payments, state=st.sampled_from([ChannelState.FAILED, ChannelState.CANCELLED]))
    def declines(self, payment: Held, state: ChannelState) -> None:
        self.banks[payment[2]].end(payment[1], state)

    @rule(payment=payments)
    def pays_though_it_has_ended(self, payment: Held) -> None:
        bank, number = self.banks[payment[2]], payment[1]
        if number in bank.bills and bank.bills[number].state is not ChannelState.PAID:
            bank.take(bank.bills[number])

    @rule(target=payments, payment=payments, channel=CHANNELS)
    def pays_again(self, payment: Held, channel: str) -> Held:
        payment[0].pay(channel)
        return payment[0], *(payment[0].payments[-1] if payment[0].payments else payment[1:])

    @rule(payment=payments)
    def comes_back(self, payment: Held) -> None:
        if payment[1]:
            payment[0].come_back(payment[1])

    @rule(payment=payments)
    def cancels(self, payment: Held) -> None:
        payment[0].cancel()

    @rule(payment=payments, action=st.sampled_from(["query", "replay", "refund_again"]))
    def operator_acts(self, payment: Held, action: str) -> None:
        operate: Any = self.world.system.operate
        self.world.act(self.world.web, lambda: operate(action=action, number=payment[1]))
        self.world.look()

    @rule(payment=payments, amount=st.sampled_from([None, 1]))
    def is_refunded(self, payment: Held, amount: int | None) -> None:
        order_no, key = payment[0].order_no, f"refund of {amount or 'all'}".replace(" ", "-" * 6)
        refund = self.world.system.refund
        self.world.request(lambda: refund(order_no=order_no, key=key, amount=amount))

    @rule(fault=NEXT)
    def will_fail(self, fault: str) -> None:
        self.world.swarm.armed.append(fault)

    @rule(point=st.sampled_from(sorted(POINTS)))
    def will_die(self, point: str) -> None:
        self.world.armed_points = {point}

    @rule(fault=STORMS)
    def is_struck(self, fault: str) -> None:
        self.storm.strike(fault)

    @rule(seconds=SECONDS)
    def lets_time_pass(self, seconds: float) -> None:
        self.world.pass_time(seconds)

    def teardown(self) -> None:
        """Everything heals, and must end well."""
        try:
            finish(self.world, self.banks)
            self.judge.at_the_end()
        finally:
            self._stack.close()
