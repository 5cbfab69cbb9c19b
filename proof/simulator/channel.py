"""What the shop sees of a `proof.simulator.bank`: its answers take time, get lost, and lie."""

import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from payments.channels.base import (
    Ack,
    Action,
    BadSignature,
    Callback,
    Capture,
    ChannelState,
    Charge,
    CloseOutcome,
    Created,
    MalformedCallback,
    NotExecuted,
    OutcomeUnknown,
    RefundReport,
    RefundState,
    Report,
    StatementLine,
)
from proof.simulator.bank import Bank

T = TypeVar("T")
DEADLINE = 5.0  # seconds that the shop waits for an answer


class Edge:
    """What the shop sees of a bank. Implements `payments.channels.base.Channel`."""

    def __init__(self, *, name: str, bank: Bank) -> None:
        self.name = name
        self.bank = bank
        self.merchant = bank.merchant
        self.capabilities = bank.capabilities

    def create(self, charge: Charge) -> Created:
        def work() -> Created:
            bill = self.bank.create(charge)
            action = Action(kind="redirect", url=f"https://{self.name}.example/{bill.channel_no}")
            return Created(action=action, channel_no=bill.channel_no, raw="{}")

        return self._call("create", charge.payment_no, work)

    def query(self, *, payment_no: str, channel_no: str) -> Report:
        record = self.bank.world.records.get(payment_no)
        if record:
            record.queries += 1
        return self._call("query", payment_no, lambda: self.bank.report(payment_no))

    def close(self, *, payment_no: str, channel_no: str) -> CloseOutcome:
        return self._call("close", payment_no, lambda: self.bank.close(payment_no))

    def refund(
        self,
        *,
        refund_no: str,
        payment_no: str,
        channel_no: str,
        amount: int,
        currency: str,
        reason: str,
    ) -> RefundReport:
        def work() -> RefundReport:
            return self.bank.refund(refund_no, payment_no, amount, currency)

        return self._call("refund", payment_no, work)

    def query_refund(self, *, refund_no: str, payment_no: str) -> RefundReport:
        return self._call(
            "query_refund", payment_no, lambda: self.bank.refund_report(refund_no, payment_no)
        )

    def parse_callback(
        self, *, headers: Mapping[str, str], body: bytes, now: dt.datetime
    ) -> Callback:
        digest = hmac.new(self.bank.secret, body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(headers.get("x-signature", ""), digest):
            raise BadSignature
        try:
            values = json.loads(body)
            event_id = values.pop("event_id")
            report = _read(values)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise MalformedCallback(str(error)) from error
        return Callback(event_id=event_id, report=report, ack=Ack(body="success"))

    def download_statement(self, day: dt.date) -> Iterator[bytes]:
        return self._call("statement", "", lambda: iter(self.bank.statement(day)))

    def read_statement(self, raw: Iterator[bytes]) -> Iterator[StatementLine]:
        for line in b"".join(raw).decode().splitlines():
            if line == "end":
                return
            values = json.loads(line)
            yield StatementLine(**values | {"at": dt.datetime.fromisoformat(values["at"])})
        raise OutcomeUnknown("the statement was cut")

    def _call(self, operation: str, about: str, work: Callable[[], T]) -> T:
        """The way there, the work, and the way back; each of them may fail."""
        bank, world = self.bank, self.bank.world
        world.calling_channel()
        bank.calls[operation] += 1
        world.wait(0.02 + bank.rng.random() * 0.2)
        self._before(about)
        answer = work()
        world.wait(0.02 + bank.rng.random() * 0.2)
        self._after(about)
        return answer

    def _before(self, about: str) -> None:
        bank, world = self.bank, self.bank.world
        if world.clock.seconds() < bank.down_until:
            world.hit("F19", about)
            raise NotExecuted("connection refused")
        if world.strikes("F22", about):
            raise NotExecuted("no such host")
        if world.strikes("F14", about):
            if bank.rng.random() < 0.5:
                raise NotExecuted("429", retry_after=bank.rng.uniform(1, 60))
            raise OutcomeUnknown("503")
        if world.strikes("F13", about):
            world.wait(DEADLINE)
            raise OutcomeUnknown("no answer in time")

    def _after(self, about: str) -> None:
        bank, world = self.bank, self.bank.world
        bill = bank.bills.get(about)
        if bill and bill.breaks and not world.swarm.healed:
            world.hit("F34", about)
            raise RuntimeError("this channel's code breaks on this payment")
        if world.strikes("F12", about):
            world.wait(DEADLINE)
            raise OutcomeUnknown("no answer in time")
        if world.strikes("F15", about):
            raise OutcomeUnknown("the answer can't be read: <html>")


def _read(values: dict[str, Any]) -> Report | RefundReport:
    moment = dt.datetime.fromisoformat
    if "refund_no" in values:
        at, went = values.pop("refunded_at"), RefundState(values.pop("state"))
        return RefundReport(**values, state=went, refunded_at=moment(at) if at else None)
    further = tuple(
        Capture(**capture | {"at": moment(capture["at"])}) for capture in values.pop("further")
    )
    at, state = values.pop("paid_at"), ChannelState(values.pop("state"))
    return Report(**values, state=state, further=further, paid_at=moment(at) if at else None)
