"""The truth of one channel: bills, captures, refunds, its books, and the callbacks that it sends.

What the shop sees of it is the `proof.simulator.channel.Edge`.
"""

import datetime as dt
import hashlib
import hmac
import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import TYPE_CHECKING, Any

from payments.channels.base import (
    Capabilities,
    Capture,
    ChannelState,
    Charge,
    CloseOutcome,
    DefiniteNo,
    NotExecuted,
    RefundReport,
    RefundState,
    Report,
    StatementLine,
)

if TYPE_CHECKING:
    from proof.simulator.world import World

RETRIES = (15.0, 60.0, 300.0, 1800.0, 3600.0, 6 * 3600.0)  # of a callback that was not acknowledged
OPEN = (ChannelState.PENDING, ChannelState.NOT_FOUND)


@dataclass(slots=True)
class Bill:
    """One payment as the channel truly knows it; times on the world's stopwatch."""

    payment_no: str
    amount: int
    currency: str
    channel_no: str
    expires_at: dt.datetime
    merchant: str
    state: ChannelState = ChannelState.PENDING
    captures: list[Capture] = field(default_factory=list)
    hidden_until: float = 0.0  # its own queries don't find it yet
    stale_until: float = 0.0  # its queries may show what was before
    is_silent: bool = False  # no callback ever
    breaks: bool = False  # the adapter breaks on it
    is_belied: bool = False  # something else than the truth was said of its money

    @property
    def captured(self) -> int:
        return sum(capture.amount for capture in self.captures)


@dataclass(slots=True)
class Return:
    """One refund as the channel truly knows it."""

    refund_no: str
    payment_no: str
    amount: int
    currency: str
    channel_no: str
    state: RefundState = RefundState.PENDING
    refunded_at: dt.datetime | None = None
    bounced_at: dt.datetime | None = None


class Bank:
    """The truth of one channel."""

    def __init__(
        self, world: "World", name: str, *, not_found_final_after: float | None = None
    ) -> None:
        self.world = world
        self.name = name
        self.merchant = f"our-account-at-{name}"
        self.secret = f"the secret of {name}".encode()
        self.capabilities = Capabilities(
            currencies=frozenset({"CNY"}),
            not_found_final_after=not_found_final_after,
            has_statement=True,
        )
        self.bills: dict[str, Bill] = {}
        self.refunds: dict[str, Return] = {}
        self._returns: dict[str, list[Return]] = defaultdict(list)  # by payment
        self.book: list[StatementLine] = []
        self.calls: Counter[str] = Counter()
        self.sent: list[tuple[dict[str, str], bytes]] = []  # callbacks, for who replays them
        self.down_until = 0.0
        self.late_until: dict[dt.date, float] = {}  # statements
        self.rng = world.rng(f"bank {name}")
        self._count = 0

    # --- the shopper, in the wallet --------------------------------------------------------------

    def pay(self, payment_no: str) -> bool:
        """The shopper pays; whether the bank took the money."""
        bill = self.bills.get(payment_no)
        world = self.world
        if bill is None or bill.state not in OPEN or world.clock.true_now > bill.expires_at:
            return False
        self.take(bill)
        return True

    def take(self, bill: Bill) -> None:
        """Money is taken, whatever the bill's state says."""
        world = self.world
        amount, currency = bill.amount, bill.currency
        if world.strikes("F18", bill.payment_no):
            wrong = self.rng.choice(("amount", "currency", "merchant"))
            amount = self.rng.choice((1, amount - 1, amount * 100)) if wrong == "amount" else amount
            currency = "JPY" if wrong == "currency" else currency
            bill.merchant = "somebody-else" if wrong == "merchant" else bill.merchant
        self._capture(bill, amount, currency)
        bill.state = ChannelState.PAID
        if world.strikes("F16", bill.payment_no):
            bill.stale_until = world.clock.seconds() + self.rng.uniform(1, 900)
        self.tell(bill)
        if world.strikes("F20", bill.payment_no):
            delay = self.rng.choice((0.5, 30.0, 3600.0, 20000.0))
            world.after(delay, "captured again", lambda: self._take_again(bill))

    def _take_again(self, bill: Bill) -> None:
        self._capture(bill, bill.captures[0].amount, bill.captures[0].currency)
        self.tell(bill)

    def _capture(self, bill: Bill, amount: int, currency: str) -> None:
        now = self.world.clock.true_now
        capture = Capture(capture_no=self._number("C"), amount=amount, currency=currency, at=now)
        bill.captures.append(capture)
        self.world.note(bill.payment_no, f"{self.name} takes {amount} {currency}")
        record = self.world.records.get(bill.payment_no)
        if record and record.taken_at is None:
            record.taken_at = now
        self.book.append(
            StatementLine(
                kind="payment",
                payment_no=bill.payment_no,
                refund_no="",
                channel_no=bill.channel_no,
                capture_no=capture.capture_no,
                amount=amount,
                currency=currency,
                merchant=bill.merchant,
                at=now,
            )
        )

    def end(self, payment_no: str, state: ChannelState) -> bool:
        """The bill ends without money: refused, or cancelled in the wallet."""
        bill = self.bills.get(payment_no)
        if bill is None or bill.state not in OPEN:
            return False
        bill.state = state
        self.world.note(payment_no, f"at {self.name} it is {state}")
        self.tell(bill)
        return True

    # --- the bank's own work ---------------------------------------------------------------------

    def create(self, charge: Charge) -> Bill:
        bill = self.bills.get(charge.payment_no)
        if bill is None:
            bill = self.bills[charge.payment_no] = Bill(
                payment_no=charge.payment_no,
                amount=charge.amount,
                currency=charge.currency,
                channel_no=self._number("B"),
                expires_at=charge.expires_at,
                merchant=self.merchant,
            )
            if self.world.strikes("F17", charge.payment_no):
                bill.hidden_until = self.world.clock.seconds() + self.rng.uniform(5, 120)
            bill.is_silent = self.world.strikes("F01", charge.payment_no)
            bill.breaks = self.world.strikes("F34", charge.payment_no)
        return bill

    def report(self, payment_no: str) -> Report:
        bill = self.bills.get(payment_no)
        seconds = self.world.clock.seconds()
        if bill is None or (seconds < bill.hidden_until and not self.world.swarm.healed):
            return Report(payment_no=payment_no, state=ChannelState.NOT_FOUND)
        self._expire(bill)
        is_stale = seconds < bill.stale_until and not self.world.swarm.healed
        if is_stale and self.rng.random() < 0.5:
            return Report(payment_no=payment_no, state=ChannelState.PENDING)
        return report_of(bill)

    def _expire(self, bill: Bill) -> None:
        if bill.state in OPEN and self.world.clock.true_now > bill.expires_at:
            bill.state = ChannelState.CLOSED

    def close(self, payment_no: str) -> CloseOutcome:
        bill = self.bills.get(payment_no)
        if bill is None:
            return CloseOutcome.NOT_FOUND
        if bill.state is ChannelState.PAID:
            return CloseOutcome.ALREADY_PAID
        if bill.state in OPEN:
            bill.state = ChannelState.CLOSED
            if self.world.strikes("F23", payment_no):
                delay = self.rng.choice((0.05, 1.0, 60.0, 7200.0))
                self.world.after(delay, "paid all the same", lambda: self._take_late(bill))
        return CloseOutcome.CLOSED

    def _take_late(self, bill: Bill) -> None:
        if bill.state is not ChannelState.PAID:
            self.take(bill)

    def left(self, payment_no: str) -> int:
        """What may still go back."""
        bill = self.bills[payment_no]
        return bill.captured - sum(
            each.amount
            for each in self._returns[payment_no]
            if each.state is not RefundState.FAILED
        )

    def held(self, payment_no: str) -> int:
        """What was captured and has not gone back, in minor units."""
        bill = self.bills.get(payment_no)
        return (bill.captured if bill else 0) - self.gone(payment_no)

    def gone(self, payment_no: str) -> int:
        return sum(
            each.amount for each in self._returns[payment_no] if each.state is RefundState.SUCCEEDED
        )

    def has_bounced_since(self, payment_no: str, at: dt.datetime) -> bool:
        bounces = (each.bounced_at for each in self._returns[payment_no])
        return any(bounced_at is not None and bounced_at > at for bounced_at in bounces)

    def refund(self, refund_no: str, payment_no: str, amount: int, currency: str) -> RefundReport:
        known = self.refunds.get(refund_no)
        if known is None:
            if payment_no not in self.bills or amount > self.left(payment_no):
                raise DefiniteNo("more than is left of what was captured")
            known = self.refunds[refund_no] = Return(
                refund_no, payment_no, amount, currency, self._number("G")
            )
            self._returns[payment_no].append(known)
            self._plan_end(known)
        return self.refund_report(refund_no, known.payment_no)

    def _plan_end(self, refund: Return) -> None:
        world, delay = self.world, self.rng.expovariate(1 / 20)
        outcome = RefundState.SUCCEEDED
        if world.strikes("F50", refund.payment_no):
            delay = self.rng.choice((delay, 3600.0, 30 * 3600.0))
            outcome = self.rng.choice((RefundState.SUCCEEDED, RefundState.FAILED))
            if outcome is RefundState.SUCCEEDED and self.rng.random() < 0.5:
                bounce = delay + self.rng.uniform(10, 40000)
                world.after(bounce, "bounces", lambda: self._end_refund(refund, RefundState.FAILED))
        world.after(delay, "refund ends", lambda: self._end_refund(refund, outcome))

    def _end_refund(self, refund: Return, state: RefundState) -> None:
        now = self.world.clock.true_now
        if refund.state is RefundState.SUCCEEDED:
            refund.bounced_at = now
        refund.state = state
        self.world.note(refund.refund_no, f"at {self.name} it has {state}")
        self.world.note(refund.payment_no, f"at {self.name} refund {refund.refund_no} has {state}")
        if state is RefundState.SUCCEEDED:
            refund.refunded_at = now
            self.book.append(
                StatementLine(
                    kind="refund",
                    payment_no=refund.payment_no,
                    refund_no=refund.refund_no,
                    channel_no=refund.channel_no,
                    amount=refund.amount,
                    currency=refund.currency,
                    merchant=self.bills[refund.payment_no].merchant,
                    at=now,
                )
            )
        self.call_back(refund.payment_no, _plain(self.refund_report(refund.refund_no, "")))

    def refund_report(self, refund_no: str, payment_no: str) -> RefundReport:
        known = self.refunds.get(refund_no)
        if known is None:
            return RefundReport(
                refund_no=refund_no, payment_no=payment_no, state=RefundState.NOT_FOUND
            )
        return RefundReport(
            refund_no=refund_no,
            payment_no=known.payment_no,
            state=known.state,
            amount=known.amount,
            currency=known.currency,
            channel_no=known.channel_no,
            refunded_at=known.refunded_at if known.state is RefundState.SUCCEEDED else None,
        )

    def statement(self, day: dt.date) -> list[bytes]:
        """The day's statement; `NotExecuted` until it is ready."""
        world = self.world
        end = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), dt.UTC)
        late = self.late_until.get(day, 0.0) if not world.swarm.healed else 0.0
        if world.clock.true_now < end or world.clock.seconds() < late:
            raise NotExecuted("the statement is not ready")
        if world.strikes("F52s"):
            self.late_until[day] = world.clock.seconds() + self.rng.uniform(600, 30000)
            raise NotExecuted("the statement is late")
        lines = [line for line in self.book if line.at.date() == day]
        texts = [json.dumps(_plain(line)) for line in lines]
        if texts and world.strikes("F52s"):
            texts.remove(self.rng.choice(texts))
        return [f"{text}\n".encode() for text in [*texts, "end"]]

    # --- callbacks -------------------------------------------------------------------------------

    def tell(self, bill: Bill, **lies: Any) -> None:
        """Call back about the bill's present state."""
        self.call_back(bill.payment_no, _plain(report_of(bill)) | lies)

    def call_back(self, payment_no: str, values: Mapping[str, Any]) -> None:
        world, bill = self.world, self.bills[payment_no]
        headers, body = self.signed({"event_id": self._number("E"), **values})
        self.sent.append((headers, body))
        if bill.is_silent:
            world.note(payment_no, "the callback is lost")
            return
        delay = 0.05 + self.rng.expovariate(1 / 0.5)
        if world.strikes("F02", payment_no):
            delay = self.rng.choice((60.0, 3600.0, self.rng.uniform(0, 72 * 3600.0)))
        elif world.strikes("F04", payment_no):
            delay += self.rng.uniform(0, 120)
        self._send_soon(delay, payment_no, headers, body)
        if world.strikes("F03", payment_no):
            for _ in range(self.rng.randint(1, 4)):
                self._send_soon(
                    self.rng.choice((delay, delay + 1, delay + 600)), payment_no, headers, body
                )
        if world.strikes("F06", payment_no):
            self._send_soon(delay + self.rng.uniform(1, 90000), payment_no, headers, body)

    def _send_soon(
        self, delay: float, about: str, headers: dict[str, str], body: bytes, tries: int = 0
    ) -> None:
        self.world.after(delay, "callback", lambda: self._send(about, headers, body, tries))

    def _send(self, about: str, headers: dict[str, str], body: bytes, tries: int) -> None:
        world = self.world
        answer = world.request(
            lambda: world.system.receive_callback(channel=self.name, headers=headers, body=body)
        )
        world.note(about, f"{self.name} calls back: {answer.status}")
        if answer.is_ok:
            for watch in world.acknowledged:
                watch(self.name, body)
        elif tries < len(RETRIES):
            self._send_soon(RETRIES[tries], about, headers, body, tries + 1)

    def signed(self, values: Mapping[str, Any]) -> tuple[dict[str, str], bytes]:
        body = json.dumps(_plain(values)).encode()
        digest = hmac.new(self.secret, body, hashlib.sha256).hexdigest()
        return {"content-type": "application/json", "x-signature": digest}, body

    def _number(self, kind: str) -> str:
        self._count += 1
        return f"{kind}{self.name[0].upper()}{self._count:06}"


def report_of(bill: Bill) -> Report:
    """The honest one."""
    if bill.state is not ChannelState.PAID:
        return Report(payment_no=bill.payment_no, state=bill.state, channel_no=bill.channel_no)
    first, *further = bill.captures
    return Report(
        payment_no=bill.payment_no,
        state=bill.state,
        amount=first.amount,
        currency=first.currency,
        merchant=bill.merchant,
        channel_no=bill.channel_no,
        paid_at=first.at,
        capture_no=first.capture_no,
        further=tuple(further),
        raw="{}",
    )


def _plain(value: Any) -> Any:
    """As JSON has it."""
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, dt.datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if is_dataclass(value):  # `asdict` would copy each value
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value
