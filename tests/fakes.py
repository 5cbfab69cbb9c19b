"""A channel in memory: the third party's edge, for tests that need no socket.

`FakeChannel` keeps a ledger of what it was asked to create, and each operation can be scripted:

    channel.pay(payment_no)                        # the shopper pays; query says so from now on
    channel.script("query", OutcomeUnknown())      # the next query raises this
    channel.script("create", OutcomeUnknown(), executed=True)   # executed, but the answer is lost
    headers, body = channel.callback(payment_no)   # a signed callback of the present state
    channel.refund_state = RefundState.SUCCEEDED   # how it ends refunds; at first all stay open
    channel.end_refund(refund_no, RefundState.FAILED)
    channel.write_statement(day)                   # lines of all its captures and refunds
    channel.held()                                 # minor units captured and not given back

Thread-safe, and it counts its calls: `channel.calls["query"]`.
"""

import datetime as dt
import hashlib
import hmac
import itertools
import json
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar, cast

from payments.channels.base import (
    Ack,
    Action,
    BadSignature,
    Callback,
    Capabilities,
    Capture,
    ChannelState,
    Charge,
    CloseOutcome,
    Created,
    DefiniteNo,
    MalformedCallback,
    NotExecuted,
    OutcomeUnknown,
    RefundReport,
    RefundState,
    Report,
    StatementLine,
)

T = TypeVar("T")
SECRET = b"the fake channel's secret"
OPEN = (ChannelState.PENDING, ChannelState.NOT_FOUND)


@dataclass
class Step:
    """One scripted answer: an error to raise, or a report to give; `executed` does the work too."""

    answer: object
    executed: bool = False


class FakeChannel:
    """Implements `payments.channels.base.Channel` over a dict."""

    def __init__(
        self,
        *,
        name: str,
        merchant: str = "our-account",
        currencies: frozenset[str] = frozenset({"CNY", "JPY"}),
        not_found_final_after: float | None = None,
    ) -> None:
        self.name = name
        self.merchant = merchant
        self.capabilities = Capabilities(
            currencies=currencies, not_found_final_after=not_found_final_after, has_statement=True
        )
        self.reports: dict[str, Report] = {}
        self.refunds: dict[str, RefundReport] = {}
        self.refund_state = RefundState.PENDING
        self.statements: dict[dt.date, list[bytes]] = {}
        self.keys: dict[str, Charge] = {}
        self.calls: Counter[str] = Counter()
        self.before: dict[str, Callable[[], object]] = {}  # runs inside a call: a barrier, a kill
        self._scripts: dict[str, deque[Step]] = defaultdict(deque)
        self._lock = threading.Lock()
        self._event_ids = itertools.count(1)

    # --- what tests do to it ---------------------------------------------------------------------

    def script(self, operation: str, *answers: object, executed: bool = False) -> None:
        """Queue answers of `create`, `query` or `close`; when they are used up it is honest."""
        self._scripts[operation].extend(Step(answer, executed) for answer in answers)

    def know(self, payment: object) -> None:
        """Make a payment known here that a test wrote straight into the database."""
        self.reports[payment.payment_no] = Report(  # type: ignore[attr-defined]
            payment_no=payment.payment_no,  # type: ignore[attr-defined]
            state=ChannelState.PENDING,
            amount=payment.amount,  # type: ignore[attr-defined]
            currency=payment.currency,  # type: ignore[attr-defined]
            merchant=self.merchant,
            channel_no=f"F{payment.payment_no}",  # type: ignore[attr-defined]
        )

    def pay(self, payment_no: str, **wrong: object) -> None:
        """The shopper pays; `wrong` overrides what is reported, e.g. `amount=1`."""
        self._move(payment_no, ChannelState.PAID, **wrong)

    def charge_again(self, payment_no: str, capture_no: str = "C2") -> None:
        """Money is taken once more under the same number; every answer tells of it."""
        with self._lock:
            report = self.reports[payment_no]
            capture = Capture(
                capture_no=capture_no, amount=report.amount or 0, currency=report.currency or ""
            )
            self.reports[payment_no] = replace(report, further=(*report.further, capture))

    def end_refund(
        self, refund_no: str, state: RefundState, refunded_at: dt.datetime | None = None
    ) -> None:
        """A refund ends, or comes back."""
        with self._lock:
            self.refunds[refund_no] = replace(
                self.refunds[refund_no], state=state, refunded_at=refunded_at
            )

    def held(self, payment_no: str = "") -> int:
        """What was captured and has not gone back, in minor units; of one payment, or of all."""
        paid = [
            each
            for each in self.reports.values()
            if each.state is ChannelState.PAID and payment_no in ("", each.payment_no)
        ]
        captured = sum(
            (each.amount or 0) + sum(capture.amount for capture in each.further) for each in paid
        )
        return captured - sum(
            each.amount or 0
            for each in self.refunds.values()
            if each.state is RefundState.SUCCEEDED and payment_no in ("", each.payment_no)
        )

    def write_statement(self, day: dt.date, *more: StatementLine, without: str = "-") -> None:
        """The day's statement: every capture and every refund, `more`, and nothing of `without`."""
        noon = dt.datetime.combine(day, dt.time(12), dt.UTC)
        lines = [*self._payment_lines(noon), *self._refund_lines(noon), *more]
        kept = [line for line in lines if without not in (line.payment_no, line.refund_no)]
        texts = [json.dumps(asdict(line) | {"at": line.at.isoformat()}) for line in kept]
        self.statements[day] = [f"{text}\n".encode() for text in [*texts, "end"]]

    def _payment_lines(self, at: dt.datetime) -> Iterator[StatementLine]:
        for report in self.reports.values():
            if report.state is not ChannelState.PAID:
                continue
            taken = [(report.capture_no, report.amount or 0, report.currency or "")]
            taken += [(each.capture_no, each.amount, each.currency) for each in report.further]
            for capture_no, amount, currency in taken:
                yield StatementLine(
                    kind="payment",
                    payment_no=report.payment_no,
                    refund_no="",
                    channel_no=report.channel_no,
                    capture_no=capture_no,
                    amount=amount,
                    currency=currency,
                    merchant=report.merchant or "",
                    at=report.paid_at or at,
                )

    def _refund_lines(self, at: dt.datetime) -> Iterator[StatementLine]:
        for refund in self.refunds.values():
            if refund.state is RefundState.SUCCEEDED:
                yield StatementLine(
                    kind="refund",
                    payment_no=refund.payment_no,
                    refund_no=refund.refund_no,
                    channel_no=refund.channel_no,
                    amount=refund.amount or 0,
                    currency=refund.currency or "",
                    merchant=self.merchant,
                    at=refund.refunded_at or at,
                )

    def end(self, payment_no: str, state: ChannelState) -> None:
        """The payment ends without money: failed, cancelled or closed."""
        self._move(payment_no, state)

    def callback(
        self, payment_no: str, /, *, event_id: str = "", **changed: object
    ) -> tuple[dict[str, str], bytes]:
        """Headers and body of a signed callback about the present state, with `changed` values."""
        report = replace(self.reports[payment_no], **changed)  # type: ignore[arg-type]
        values = {
            "event_id": event_id or f"evt-{next(self._event_ids)}",
            "payment_no": report.payment_no,
            "state": report.state,
            "amount": report.amount,
            "currency": report.currency,
            "merchant": report.merchant,
            "channel_no": report.channel_no,
            "capture_no": report.capture_no,
            "paid_at": report.paid_at and report.paid_at.isoformat(),
            "further": [asdict(capture) | {"at": None} for capture in report.further],
        }
        return self.signed(json.dumps(values).encode())

    def refund_callback(
        self, refund_no: str, /, *, event_id: str = "", **changed: object
    ) -> tuple[dict[str, str], bytes]:
        """The same about a refund."""
        report = replace(self.refunds[refund_no], **changed)  # type: ignore[arg-type]
        values = {
            "event_id": event_id or f"evt-{next(self._event_ids)}",
            "refund_no": report.refund_no,
            "payment_no": report.payment_no,
            "state": report.state,
            "amount": report.amount,
            "currency": report.currency,
            "channel_no": report.channel_no,
        }
        return self.signed(json.dumps(values).encode())

    def signed(self, body: bytes) -> tuple[dict[str, str], bytes]:
        """Any body, with the right signature."""
        digest = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
        return {"content-type": "application/json", "x-signature": digest}, body

    def _move(self, payment_no: str, state: ChannelState, **wrong: object) -> None:
        with self._lock:
            self.reports[payment_no] = replace(
                self.reports[payment_no],
                state=state,
                raw=json.dumps({"state": state}),
                **wrong,  # type: ignore[arg-type]
            )

    # --- the channel -----------------------------------------------------------------------------

    def create(self, charge: Charge) -> Created:
        def work() -> Created:
            self.keys.setdefault(charge.idempotency_key, charge)
            self.reports.setdefault(
                charge.payment_no,
                Report(
                    payment_no=charge.payment_no,
                    state=ChannelState.PENDING,
                    amount=charge.amount,
                    currency=charge.currency,
                    merchant=self.merchant,
                    channel_no=f"F{charge.payment_no}",
                ),
            )
            action = Action(kind="redirect", url=f"https://wallet.example/{charge.payment_no}")
            return Created(action=action, channel_no=f"F{charge.payment_no}", raw="{}")

        return self._call("create", work)

    def query(self, *, payment_no: str, channel_no: str) -> Report:
        missing = Report(payment_no=payment_no, state=ChannelState.NOT_FOUND)
        return self._call("query", lambda: self.reports.get(payment_no, missing))

    def close(self, *, payment_no: str, channel_no: str) -> CloseOutcome:
        def work() -> CloseOutcome:
            report = self.reports.get(payment_no)
            if report is None:
                return CloseOutcome.NOT_FOUND
            if report.state is ChannelState.PAID:
                return CloseOutcome.ALREADY_PAID
            if report.state in OPEN:
                self.reports[payment_no] = replace(report, state=ChannelState.CLOSED)
            return CloseOutcome.CLOSED

        return self._call("close", work)

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
            left = self.held(payment_no)
            if refund_no not in self.refunds and amount > left:
                raise DefiniteNo("more than is left of what was captured")
            made = RefundReport(
                refund_no=refund_no,
                payment_no=payment_no,
                state=self.refund_state,
                amount=amount,
                currency=currency,
                channel_no=f"F{refund_no}",
            )
            return self.refunds.setdefault(refund_no, made)

        return self._call("refund", work)

    def query_refund(self, *, refund_no: str, payment_no: str) -> RefundReport:
        missing = RefundReport(
            refund_no=refund_no, payment_no=payment_no, state=RefundState.NOT_FOUND
        )
        return self._call("query_refund", lambda: self.refunds.get(refund_no, missing))

    def parse_callback(
        self, *, headers: Mapping[str, str], body: bytes, now: dt.datetime
    ) -> Callback:
        digest = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(headers.get("x-signature", ""), digest):
            raise BadSignature
        try:
            values = json.loads(body)
            event_id = values.pop("event_id")
            report = _report(values)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise MalformedCallback(str(error)) from error
        return Callback(event_id=event_id, report=report, ack=Ack(body="success"))

    def download_statement(self, day: dt.date) -> Iterator[bytes]:
        def work() -> Iterator[bytes]:
            if day not in self.statements:
                raise NotExecuted("the statement is not ready")
            return iter(self.statements[day])

        return self._call("statement", work)

    def read_statement(self, raw: Iterator[bytes]) -> Iterator[StatementLine]:
        """One JSON object a line, and a last line `end`."""
        for line in b"".join(raw).decode().splitlines():
            if line == "end":
                return
            try:
                values = json.loads(line)
                yield StatementLine(**values | {"at": dt.datetime.fromisoformat(values["at"])})
            except (ValueError, TypeError, KeyError) as error:
                raise OutcomeUnknown(f"a line can't be read: {error}") from error
        raise OutcomeUnknown("the statement was cut")

    def _call(self, operation: str, work: Callable[[], T]) -> T:
        """Do the honest work, or what the script says; hooks run outside of the lock."""
        if hook := self.before.get(operation):
            hook()
        with self._lock:
            self.calls[operation] += 1
            step = self._scripts[operation].popleft() if self._scripts[operation] else None
            result = work() if step is None or step.executed else None
        if step is None:
            return cast("T", result)
        if isinstance(step.answer, BaseException):
            raise step.answer
        return cast("T", step.answer)


def _report(values: dict[str, Any]) -> Report | RefundReport:
    if "refund_no" in values:
        return RefundReport(**values | {"state": RefundState(values["state"])})
    further = tuple(Capture(**capture) for capture in values.pop("further", ()))
    paid_at = values.pop("paid_at", None)
    return Report(
        **values | {"state": ChannelState(values["state"]), "further": further},
        paid_at=dt.datetime.fromisoformat(paid_at) if paid_at else None,
    )
