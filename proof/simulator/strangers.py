"""Those who forge, replay and lie, and operators who press what can be pressed."""

from collections.abc import Mapping
from functools import partial
from random import Random

from payments.channels.base import ChannelState
from proof.simulator.bank import Bank, Bill
from proof.simulator.world import Record, Violation, World


class Strangers:
    """Send callbacks that the channel did not send, or should not have sent."""

    def __init__(self, world: World, banks: Mapping[str, Bank], rng: Random) -> None:
        self.world, self.banks, self.rng = world, banks, rng

    def come(self) -> None:
        for name, act in (
            ("F05", self._forge),
            ("F07", self._lie),
            ("F09", self._speak_of_nobody),
        ):
            if self.world.swarm.is_on(name):
                for _ in range(self.rng.randint(2, 12)):
                    delay = self.rng.uniform(0, self.world.plan.arrive_within + 600)
                    self.world.after(delay, f"stranger {name}", act)

    def _any_bill(self) -> tuple[Bank, Bill] | None:
        bank = self.banks[self.rng.choice(sorted(self.banks))]
        if not bank.bills or self.world.swarm.healed:
            return None
        return bank, bank.bills[self.rng.choice(sorted(bank.bills))]

    def _paid(self, bank: Bank, bill: Bill) -> dict[str, object]:
        return {
            "event_id": f"X{self.rng.randrange(10**9)}",
            "payment_no": bill.payment_no,
            "state": ChannelState.PAID,
            "amount": bill.amount,
            "currency": bill.currency,
            "merchant": bank.merchant,
            "channel_no": bill.channel_no,
            "capture_no": "",
            "paid_at": None,
            "further": [],
            "raw": "",
        }

    def _forge(self) -> None:
        found = self._any_bill()
        if found is None:
            return
        bank, bill = found
        headers, body = bank.signed(self._paid(bank, bill))
        wrong: Mapping[str, str] = self.rng.choice(
            (headers | {"x-signature": "0" * 64}, {"content-type": "application/json"})
        )
        status = self._send(bank, wrong, body, bill.payment_no)
        self.world.hit("F05", bill.payment_no)
        if status not in (0, 401, 500):
            raise Violation("I10", (bill.payment_no,), f"a forged callback was answered {status}")

    def _lie(self) -> None:
        """Signed by the channel, and not what happened."""
        found = self._any_bill()
        if found is None:
            return
        bank, bill = found
        lies: list[dict[str, object]] = [
            {"amount": 1},
            {"amount": bill.amount - 1},
            {"currency": "USD"},
            {"merchant": "mallory"},
        ]
        bill.is_belied = True
        headers, body = bank.signed(self._paid(bank, bill) | self.rng.choice(lies))
        self._send(bank, headers, body, bill.payment_no)
        self.world.hit("F07", bill.payment_no)

    def _speak_of_nobody(self) -> None:
        found = self._any_bill()
        if found is None:
            return
        bank, bill = found
        number = f"P{self.rng.randrange(10**19):020}"
        headers, body = bank.signed(self._paid(bank, bill) | {"payment_no": number})
        self._send(bank, headers, body, number)
        self.world.hit("F09", bill.payment_no)

    def _send(self, bank: Bank, headers: Mapping[str, str], body: bytes, about: str) -> int:
        system = self.world.system
        answer = self.world.request(
            lambda: system.receive_callback(channel=bank.name, headers=headers, body=body)
        )
        self.world.note(about, f"a stranger calls back: {answer.status}")
        return answer.status


class Operators:
    """Ask channels, replay callbacks, give money back: at random, and twice."""

    def __init__(self, world: World, rng: Random) -> None:
        self.world, self.rng = world, rng

    def come(self) -> None:
        if not self.world.swarm.is_on("F52"):
            return
        for _ in range(self.world.plan.orders // 3):
            delay = self.rng.uniform(60, self.world.plan.storm)
            self.world.after(delay, "operator", self._act)

    def _act(self) -> None:
        world = self.world
        if not world.records or world.swarm.healed:
            return
        record = world.records[self.rng.choice(list(world.records))]
        action = self.rng.choice(("query", "query", "replay", "refund", "refund", "refund_again"))
        run = partial(self._refund if action == "refund" else self._operate, record, action)
        for _ in range(self.rng.choice((1, 1, 2))):
            world.note(record.payment_no, f"operator: {action}: {run()}")
        world.hit("F52", record.payment_no)

    def _refund(self, record: Record, _action: str) -> str:
        amount = self.rng.choice((None, 1, 100))
        key = f"operator-{self.rng.randrange(50)}-{record.order_no}"
        refund = partial(self.world.system.refund, order_no=record.order_no, key=key, amount=amount)
        return str(self.world.request(refund).status)

    def _operate(self, record: Record, action: str) -> str:
        operate = partial(self.world.system.operate, action=action, number=record.payment_no)
        what = self.world.act(self.world.web, operate)
        self.world.look()
        return str(what)
