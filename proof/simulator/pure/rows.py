"""The rows of the shop, as plain objects: the columns that a rule reads or an invariant needs."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from orders.states import AttemptStatus, Entry, OrderStatus, Why
from payments.channels.base import Capture, RefundReport, Report, StatementLine
from payments.states import (
    IN_FOG,
    OPEN_REFUND,
    RefundReason,
    RefundStatus,
    Source,
    Status,
    Verdict,
)


@dataclass(slots=True, eq=False)
class Evidence:
    """What was learned, and what became of it."""

    channel: str
    source: Source
    received_at: dt.datetime
    payment_no: str = ""
    refund_no: str = ""
    event_id: str = ""
    report: Report | RefundReport | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    verdict: Verdict = Verdict.PENDING
    error: str = ""
    is_linked: bool = False  # to a payment that is here


@dataclass(slots=True, eq=False)
class Event:
    """One transition of a payment or a refund, due until the order side has consumed it."""

    pk: int
    seq: int
    was: str
    to: str
    source: Source
    due_at: dt.datetime | None
    evidence: Evidence | None = None
    payment: "Payment | None" = None
    refund: "Refund | None" = None
    capture: Capture | None = None
    failures: int = 0

    @property
    def of(self) -> "Payment":
        """The payment that it is about, be it by a refund."""
        payment = self.refund.payment if self.refund else self.payment
        if payment is None:
            raise ValueError("an event is about a payment or a refund")
        return payment


@dataclass(slots=True, eq=False)
class Payment:
    pk: int
    payment_no: str
    order: "Order"
    channel: str
    merchant: str
    subject: str
    amount: int
    currency: str
    return_url: str
    idempotency_key: str
    created_at: dt.datetime
    expires_at: dt.datetime
    consult_due_at: dt.datetime | None
    status: Status = Status.CREATED
    version: int = 1
    channel_no: str = ""
    create_calls: int = 0
    has_action: bool = False
    received_amount: int | None = None
    received_currency: str = ""
    received_merchant: str = ""
    capture_no: str = ""
    captured_total: int = 0
    refund_total: int = 0
    paid_at: dt.datetime | None = None
    settled_at: dt.datetime | None = None
    close_asked_at: dt.datetime | None = None
    returned_at: dt.datetime | None = None
    consulted_at: dt.datetime | None = None
    slow_lane_at: dt.datetime | None = None
    events: list[Event] = field(default_factory=list)
    further: dict[str, Capture] = field(default_factory=dict)
    refunds: "list[Refund]" = field(default_factory=list)

    @property
    def in_fog(self) -> bool:
        return self.status in IN_FOG

    @property
    def refundable(self) -> int:
        return self.captured_total - self.refund_total


@dataclass(slots=True, eq=False)
class Refund:
    pk: int
    refund_no: str
    payment: Payment
    amount: int
    currency: str
    reason: RefundReason
    note: str
    origin: str
    actor: str
    created_at: dt.datetime
    consult_due_at: dt.datetime | None
    status: RefundStatus = RefundStatus.REQUESTED
    version: int = 1
    channel_no: str = ""
    send_calls: int = 0
    sent_at: dt.datetime | None = None
    settled_at: dt.datetime | None = None
    refunded_at: dt.datetime | None = None
    slow_lane_at: dt.datetime | None = None
    error: str = ""
    events: list[Event] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_REFUND

    def get_reason_display(self) -> str:
        """As Django's, for `payments.services.asking`."""
        return str(self.reason.label)


@dataclass(slots=True)
class Attempt:
    status: AttemptStatus
    seq: int


@dataclass(slots=True, eq=False)
class LedgerRow:
    order: "Order"
    payment_no: str
    amount: int
    currency: str
    entry: Entry
    recorded_at: dt.datetime
    capture_no: str = ""
    refund_no: str = ""
    refund_seq: int = 0
    why: Why | None = None


@dataclass(slots=True, eq=False)
class Order:
    pk: int
    order_no: str
    total: int
    currency: str
    quantities: dict[str, int]  # by article
    created_at: dt.datetime
    expires_at: dt.datetime
    close_due_at: dt.datetime | None
    status: OrderStatus = OrderStatus.UNPAID
    version: int = 1
    stock_held: bool = True
    reserved: frozenset[str] = frozenset()
    cancel_asked_at: dt.datetime | None = None
    close_asked_at: dt.datetime | None = None
    closed_at: dt.datetime | None = None
    paid_at: dt.datetime | None = None
    revived_at: dt.datetime | None = None
    refunded_at: dt.datetime | None = None
    attempts: dict[str, Attempt] = field(default_factory=dict)
    ledger: list[LedgerRow] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)

    @property
    def fog(self) -> Payment | None:
        """The payment of which nobody knows yet whether it was paid: none but the last can be."""
        last = self.payments[-1] if self.payments else None
        return last if last and last.in_fog else None


@dataclass(slots=True)
class Statement:
    """One day of one channel."""

    due_at: dt.datetime | None
    lines: list[StatementLine] | None = None
    tries: int = 0
