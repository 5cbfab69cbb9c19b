"""Who acts: shoppers, beats, operators, and those who break things."""

import datetime as dt
from random import Random

from payments.channels.base import ChannelState
from proof.simulator.channel import Bank
from proof.simulator.process import Process
from proof.simulator.system import Answer
from proof.simulator.world import Record, World
from workers.schedule import Entry

AHEAD = dt.timedelta(seconds=10)  # how fine beat's ticks are
SELDOM = dt.timedelta(hours=4)  # a look that follows no due time, when nothing changes
QUIET_AFTER = dt.timedelta(minutes=10)


class Shopper:
    """Places one order and pays it, more or less."""

    def __init__(self, world: World, banks: dict[str, Bank], number: int, rng: Random) -> None:
        self.world, self.banks, self.rng, self.number = world, banks, rng, number
        self.order_no = ""
        self.payments: list[str] = []

    def arrive(self) -> None:
        answer = self._ask(lambda: self.world.system.place(key=f"key-of-shopper-{self.number:06}"))
        if not answer.is_ok:
            self._again("place", self.arrive)
            return
        self.order_no = str(answer.body["order_no"])
        self.world.note(self.order_no, "placed")
        self.world.after(self.rng.expovariate(1 / 5), "pay", self.start)

    def start(self) -> None:
        """Choose a wallet and open it."""
        channel = self.rng.choice(sorted(self.banks))
        answer = self._ask(lambda: self.world.system.pay(order_no=self.order_no, channel=channel))
        payment_no = answer.body.get("payment_no")
        if not answer.is_ok or not payment_no:
            self._again("pay", self.start)
            return
        self._note_payment(str(payment_no), channel)
        self.world.after(self.rng.expovariate(1 / 15), "wallet", lambda: self.in_wallet(channel))

    def in_wallet(self, channel: str) -> None:
        bank, payment_no = self.banks[channel], self.payments[-1]
        chance = self.rng.random()
        if chance < 0.8:
            bank.pay(payment_no)
        elif chance < 0.9:
            bank.end(payment_no, self.rng.choice((ChannelState.FAILED, ChannelState.CANCELLED)))
        if self.rng.random() < 0.7:
            delay = self.rng.expovariate(1 / 3)
            self.world.after(delay, "come back", lambda: self.come_back(payment_no))

    def come_back(self, payment_no: str) -> None:
        self._ask(lambda: self.world.system.come_back(payment_no=payment_no))

    def _note_payment(self, payment_no: str, channel: str) -> None:
        world = self.world
        if payment_no in world.records:
            return
        self.payments.append(payment_no)
        world.started(Record(payment_no, self.order_no, channel, world.clock.true_now))

    def _ask(self, request) -> Answer:  # type: ignore[no-untyped-def]
        return self.world.request(request)

    def _again(self, label: str, run) -> None:  # type: ignore[no-untyped-def]
        self.world.after(self.rng.uniform(2, 60), label, run)


class Beat:
    """Sends what the schedule says. Ticks that would find nothing are left out."""

    def __init__(self, world: World, process: Process, rng: Random) -> None:
        self.world, self.process, self.rng = world, process, rng
        now = world.clock.true_now
        self._next = {
            entry.task: now + dt.timedelta(seconds=rng.uniform(0, entry.every))
            for entry in world.strategy.entries
        }
        self._armed_at = dt.datetime.max.replace(tzinfo=dt.UTC)
        self._due: dict[str, dt.datetime | None] = {}
        self._due_of = -1  # the commit count that it is of
        self._sent_at = dict(self._next)
        self._changed_at = now
        self._arm(now + AHEAD * rng.random())

    def rearm(self) -> None:
        """Something was committed: perhaps something is due sooner."""
        self._changed_at = self.world.clock.true_now
        self._arm(self.world.clock.true_now + AHEAD)

    def _arm(self, at: dt.datetime) -> None:
        if at < self._armed_at:
            self._armed_at = at
            self.world.at(at, f"{self.process.name} ticks", lambda: self._tick(at))

    def _tick(self, at: dt.datetime) -> None:
        if at != self._armed_at:
            return  # armed sooner since
        self._armed_at = dt.datetime.max.replace(tzinfo=dt.UTC)
        now = self.world.clock.true_now
        self._look()
        wanted = [self._serve(entry, now) for entry in self.world.strategy.entries]
        self._arm(max(now + AHEAD, min(wanted)))

    def _look(self) -> None:
        writes = self.world.system.writes()
        if writes != self._due_of:
            self._due = self.world.system.due_times()
            self._due_of = writes

    def _serve(self, entry: Entry, now: dt.datetime) -> dt.datetime:
        """Send it if its time has come; returns when to look at it again."""
        next_at, due_at = self._next[entry.task], self._due_at(entry, now)
        if next_at <= now and due_at <= now:
            self._sent_at[entry.task] = now
            self._send(entry)
        if next_at <= now:
            missed = (now - next_at) // dt.timedelta(seconds=entry.every)
            next_at += (missed + 1) * dt.timedelta(seconds=entry.every)
            self._next[entry.task] = next_at
        return max(next_at, due_at)

    def _due_at(self, entry: Entry, now: dt.datetime) -> dt.datetime:
        seldom = self._sent_at[entry.task] + SELDOM
        if entry.task in self._due:
            due = self._due[entry.task] or now + SELDOM
            return min(due, seldom) if entry.task == "workers.import_statements" else due
        is_quiet = now - self._changed_at > QUIET_AFTER
        known = entry.task.startswith("workers.")
        return seldom if known and is_quiet else now

    def _send(self, entry: Entry) -> None:
        def send() -> None:
            try:
                self.world.broker.publish(
                    task=entry.task, kwargs=dict(entry.kwargs), expires=float(entry.every)
                )
            except Exception:  # noqa: BLE001  (beat logs it, and skips this run)
                return

        self.world.act(self.process, send)
