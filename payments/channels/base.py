"""What a channel is: bytes in, plain frozen values out.

A channel translates between a third party's API and the values below. It imports no model and no
service, keeps no retry loop and writes no log: the caller decides what happens next, and the class
of the error says what it may do.
"""

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Protocol


class ChannelState(StrEnum):
    """What a channel may say about one payment."""

    PENDING = "pending"  # known there, and the shopper may still pay
    PAID = "paid"
    FAILED = "failed"  # definitely not paid, and can't be paid any more
    CANCELLED = "cancelled"  # the shopper cancelled in the wallet
    CLOSED = "closed"  # closed or expired at the channel
    NOT_FOUND = "not_found"  # not known there (yet): never an end by itself


class CloseOutcome(StrEnum):
    """What a channel may answer when it is asked to close a payment."""

    CLOSED = "closed"
    ALREADY_PAID = "already_paid"
    BUSY = "busy"  # the shopper may be paying this very moment: unknown, ask again
    NOT_FOUND = "not_found"


class RefundState(StrEnum):
    """What a channel may say about one refund."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    NOT_FOUND = "not_found"


class ChannelError(Exception):
    """The channel did not give an answer that can be used."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__doc__)


class DefiniteNo(ChannelError):
    """The channel refused: nothing was executed, and the same request will be refused again."""


class NotExecuted(ChannelError):
    """The request was not executed: it may be sent again freely.

    `retry_after` is the channel's own wish in seconds, where it stated one.
    """

    def __init__(self, message: str | None = None, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class OutcomeUnknown(ChannelError):
    """The request may or may not have been executed: only ask, or replay it with the same key."""


class BadSignature(ChannelError):
    """The callback is not signed by the channel, or is too old: nothing in it can be believed."""


class MalformedCallback(ChannelError):
    """The callback is truly the channel's, but can't be read: keep it, and let it be sent again."""


def _check_money(amount: object, currency: object, what: str) -> None:
    """Whole minor units that are not negative, and an ISO 4217 code; else `ValueError`."""
    if type(amount) is not int or amount < 0:
        raise ValueError(f"{what} must carry its amount as a whole number, not {amount!r}")
    if not isinstance(currency, str) or not re.fullmatch("[A-Z]{3}", currency):
        raise ValueError(f"{what} must carry its currency as an ISO 4217 code, not {currency!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """One taking of money for a payment; `amount` in minor units of `currency`."""

    capture_no: str  # the channel's number of it
    amount: int
    currency: str
    at: dt.datetime | None = None

    def __post_init__(self) -> None:
        _check_money(self.amount, self.currency, "a capture")
        if not self.capture_no:
            raise ValueError("a capture must carry its number")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a channel says about one payment, from whichever path it came.

    `amount` is in minor units of `currency` (ISO 4217). `merchant` is the account that received the
    money. A report of `PAID` must carry all three: without them nobody can tell whether it is ours.

    A channel may take money twice for one payment. `capture_no` is its number of the capture that
    this report is about, `further` are those that it tells of besides. A channel that numbers its
    captures must do so on every path (callback, query, statement), or on none.
    """

    payment_no: str
    state: ChannelState
    amount: int | None = None
    currency: str | None = None
    merchant: str | None = None
    channel_no: str = ""  # the channel's own number of this payment, where it gave one
    paid_at: dt.datetime | None = None
    capture_no: str = ""
    further: tuple[Capture, ...] = ()
    raw: str = ""  # the answer as it came

    def __post_init__(self) -> None:
        if self.state is not ChannelState.PAID:
            return
        _check_money(self.amount, self.currency, "a paid report")
        if not self.merchant:
            raise ValueError("a paid report must carry the merchant that received the money")


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What is sent to a channel to create one payment; a replay sends the very same values."""

    payment_no: str
    idempotency_key: str
    amount: int  # minor units
    currency: str
    subject: str
    expires_at: dt.datetime
    return_url: str
    notify_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What the app must open so that the shopper can pay."""

    kind: Literal["redirect", "qr", "form"]
    url: str = ""  # redirect: open it; form: where the fields are posted to
    text: str = ""  # qr: the text that the code holds
    fields: Mapping[str, str] = field(default_factory=dict)  # form: its hidden fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """The channel knows the payment now."""

    action: Action
    channel_no: str = ""
    raw: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """What the channel wants to read when its callback was taken."""

    status: int = 200
    body: str = ""
    content_type: str = "text/plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """A verified callback. `report` is None when it is about nothing that concerns us."""

    event_id: str  # the channel's id of the event: the same for every repeat of it
    report: "Report | RefundReport | None"
    ack: Ack = Ack()


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundReport:
    """What a channel says about one refund; `amount` in minor units of `currency`.

    A report of `SUCCEEDED` must carry both. `channel_no` is the channel's number of the refund,
    `refunded_at` is when the money went back by its clock, where it says so.
    """

    refund_no: str
    payment_no: str
    state: RefundState
    amount: int | None = None
    currency: str | None = None
    channel_no: str = ""
    refunded_at: dt.datetime | None = None
    raw: str = ""

    def __post_init__(self) -> None:
        if self.state is RefundState.SUCCEEDED:
            _check_money(self.amount, self.currency, "a succeeded refund")


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementLine:
    """One line of a channel's daily statement; amounts in minor units, times aware UTC."""

    kind: Literal["payment", "refund"]
    payment_no: str
    refund_no: str  # empty for a payment
    channel_no: str  # of the payment, or of the refund
    capture_no: str = ""
    amount: int
    currency: str
    merchant: str
    at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a channel can do, and how it wants to be asked (all durations in seconds)."""

    currencies: frozenset[str]
    can_close: bool = True
    can_refund: bool = True
    has_statement: bool = False
    # A statement covers a day of this time zone (IANA), and can be had so long after the day's end.
    statement_timezone: str = "UTC"
    statement_ready_after: float = 0.0
    # How long after `expires_at` a "not found" proves that the payment can't be paid any more;
    # None: it never does.
    not_found_final_after: float | None = None
    # How many queries and other calls about what exists it takes, such as "50/second"; empty: it
    # doesn't say. NODROP_CHANNELS may say otherwise.
    query_budget: str = ""


class Channel(Protocol):
    """One configured account at one third party.

    Every call carries timeouts and a total deadline of `timeout` seconds, and raises `DefiniteNo`,
    `NotExecuted` or `OutcomeUnknown` when there is no usable answer. The instance is shared by
    threads. Built by the registry as `Class(name=..., **OPTIONS)`.
    """

    name: str
    merchant: str
    capabilities: Capabilities

    def create(self, charge: Charge) -> Created:
        """Make the payment known to the channel; the same `idempotency_key` makes it only once."""
        ...

    def query(self, *, payment_no: str, channel_no: str) -> Report:
        """Ask what became of a payment."""
        ...

    def close(self, *, payment_no: str, channel_no: str) -> CloseOutcome:
        """Ask that a payment can't be paid any more."""
        ...

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
        """Give money back; `refund_no` is the idempotency key. Accepted is not done."""
        ...

    def query_refund(self, *, refund_no: str, payment_no: str) -> RefundReport:
        """Ask what became of a refund."""
        ...

    def parse_callback(
        self, *, headers: Mapping[str, str], body: bytes, now: dt.datetime
    ) -> Callback:
        """Verify the raw bytes, then read them. Pure: no network, no clock, no database.

        Raises `BadSignature` or `MalformedCallback`. Header names come in lower case.
        """
        ...

    def download_statement(self, day: dt.date) -> Iterator[bytes]:
        """The raw statement of one day, in pieces as they come; `NotExecuted` until it is ready."""
        ...

    def read_statement(self, raw: Iterator[bytes]) -> Iterator[StatementLine]:
        """The lines of a raw statement, one by one and never all in memory. Pure.

        Raises `OutcomeUnknown` at a line that can't be read, and at the end of one that was cut.
        """
        ...
