"""Shoppers: they order, pay, tap twice, change their minds, come back, poll, and close the app."""

from collections.abc import Callable
from random import Random

from payments.channels.base import ChannelState
from proof.simulator.bank import Bank
from proof.simulator.system import Answer
from proof.simulator.world import Record, Violation, World

KNOWN = ("paid", "refunded")  # what an app must not see taken back
POLLS = (1.0, 2.0, 5.0, 10.0, 30.0, 120.0, 600.0)  # seconds after each other
MOST_TRIES = 12


class Shopper:
    """One order, and all that she does to it."""

    def __init__(self, world: World, banks: dict[str, Bank], number: int, rng: Random) -> None:
        self.world, self.banks, self.rng, self.number = world, banks, rng, number
        self.order_no = ""
        self.payments: list[tuple[str, str]] = []  # number, channel
        self._tries = 0
        self._seen: dict[str, tuple[int, str]] = {}  # by payment: version, order's status

    def arrive(self) -> None:
        """She puts something into the basket."""
        key = f"key-of-shopper-{self.number:06}"
        answer = self.world.request(lambda: self.world.system.place(key=key))
        if not answer.is_ok:
            self._again("place", self.arrive)
            return
        self.order_no = str(answer.body["order_no"])
        self.world.note(self.order_no, "placed")
        wait = self.rng.expovariate(1 / 5)
        self.world.after(wait, "pay", lambda: self.pay(self._any_channel()))
        if self.rng.random() < 0.15:
            self.world.after(wait, "pay (second tap)", lambda: self.pay(self._any_channel()))

    def pay(self, channel: str) -> None:
        """Choose a wallet and open it."""
        answer = self.world.request(
            lambda: self.world.system.pay(order_no=self.order_no, channel=channel)
        )
        self.world.note(self.order_no, f"pays at {channel}: {answer.status}")
        payment_no = answer.body.get("payment_no")
        if not answer.is_ok or not payment_no:
            if answer.status in (0, 500, 502, 503):
                self._again("pay", lambda: self.pay(channel))
            return
        self._note_payment(str(payment_no), str(answer.body.get("channel", channel)))
        if answer.body.get("action"):
            self._open_wallet(str(payment_no), str(answer.body.get("channel", channel)))
        elif answer.status == 202:
            self._again("pay", lambda: self.pay(channel))

    def _open_wallet(self, payment_no: str, channel: str) -> None:
        world = self.world
        world.after(
            self.rng.expovariate(1 / 15), "wallet", lambda: self._in_wallet(payment_no, channel)
        )
        if world.strikes("F48", payment_no):
            world.after(self.rng.expovariate(1 / 20), "cancel", self.cancel)
        if world.strikes("F49", payment_no):
            other = next(name for name in sorted(self.banks) if name != channel)
            world.after(self.rng.expovariate(1 / 15), "pay elsewhere", lambda: self.pay(other))

    def _in_wallet(self, payment_no: str, channel: str) -> None:
        bank, chance = self.banks[channel], self.rng.random()
        if self.world.strikes("F48", payment_no):
            late = self.rng.choice((1790.0, 1801.0, 4000.0, 30000.0))
            self.world.after(late, "paid late", lambda: self._pay_late(bank, payment_no))
        elif chance < 0.8:
            bank.pay(payment_no)
        elif chance < 0.9:
            bank.end(payment_no, self.rng.choice((ChannelState.FAILED, ChannelState.CANCELLED)))
        self._leave_wallet(payment_no)

    def _leave_wallet(self, payment_no: str) -> None:
        """Back to the shop, where the app polls; or the app is closed."""
        if self.rng.random() < 0.6:
            self.world.after(
                self.rng.expovariate(1 / 3), "come back", lambda: self._come_back(payment_no)
            )
        if self.rng.random() < 0.15:
            self.world.after(
                self.rng.expovariate(1 / 60), "pay again", lambda: self.pay(self._any_channel())
            )

    def _pay_late(self, bank: Bank, payment_no: str) -> None:
        """The channel takes the money though the bill has ended there."""
        bill = bank.bills.get(payment_no)
        if bill and bill.state is not ChannelState.PAID:
            bank.take(bill)

    def _come_back(self, payment_no: str) -> None:
        answer = self.world.request(lambda: self.world.system.come_back(payment_no=payment_no))
        self.see(payment_no, answer)
        self._poll_in(0, payment_no)

    def _poll_in(self, step: int, payment_no: str) -> None:
        if step < len(POLLS) and self.rng.random() < 0.7:
            self.world.after(POLLS[step], "poll", lambda: self._poll(step, payment_no))

    def _poll(self, step: int, payment_no: str) -> None:
        answer = self.world.request(lambda: self.world.system.poll(payment_no=payment_no))
        self.see(payment_no, answer)
        if not answer.body.get("final"):
            self._poll_in(step + 1, payment_no)

    def see(self, payment_no: str, answer: Answer) -> None:
        """I15: what an app was told is not taken back."""
        if not answer.is_ok:
            return
        version, status = int(answer.body["version"]), str(answer.body["order_status"])
        before = self._seen.get(payment_no)
        if before and (version < before[0] or (before[1] in KNOWN and status not in KNOWN)):
            about = (self.order_no, payment_no)
            raise Violation("I15", about, f"the app saw {before}, then {(version, status)}")
        self._seen[payment_no] = (version, status)

    def cancel(self) -> None:
        answer = self.world.request(lambda: self.world.system.cancel(order_no=self.order_no))
        self.world.note(self.order_no, f"cancels: {answer.status}")

    def _any_channel(self) -> str:
        return self.rng.choice(sorted(self.banks))

    def _note_payment(self, payment_no: str, channel: str) -> None:
        if payment_no in self.world.records:
            return
        self.payments.append((payment_no, channel))
        self.world.started(Record(payment_no, self.order_no, channel, self.world.clock.true_now))

    def _again(self, label: str, run: Callable[[], None]) -> None:
        self._tries += 1
        if self._tries < MOST_TRIES:
            self.world.after(self.rng.uniform(2, 60), label, run)
