"""What the world may do to a shop, and what it may see of it. Two shops have this shape.

`real.RealShop` is Nodrop itself on PostgreSQL; `pure.PureShop` its domain in memory. What is seen
is built anew for each look, and not frozen: that would take three times as long.
"""

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from proof.simulator.process import Process


@dataclass(frozen=True, slots=True)
class Answer:
    """What an app or a channel was answered; status 0: nothing, for the process died."""

    status: int
    body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_ok(self) -> bool:
        return 200 <= self.status < 300


@dataclass(slots=True)
class Move:
    """One event that was committed: of a payment, or of a refund (then `refund_no` is set)."""

    order_no: str
    payment_no: str
    refund_no: str
    seq: int
    was: str
    to: str
    source: str
    is_capture: bool = False  # money beyond the first


@dataclass(slots=True)
class News:
    """What was committed since the last look."""

    moves: list[Move]
    orders: list[str]  # numbers of orders that changed, each once


@dataclass(slots=True)
class RefundView:
    refund_no: str
    amount: int
    status: str
    reason: str
    version: int
    events: list[tuple[int, str, str]]  # seq, from, to


@dataclass(slots=True)
class PaymentView:
    payment_no: str
    channel: str
    merchant: str
    status: str
    amount: int
    currency: str
    received_amount: int | None
    received_currency: str
    received_merchant: str
    captured_total: int
    refund_total: int
    version: int
    # seq, from, to, source, whether it has evidence, whether it is a capture, whether it was told
    events: list[tuple[int, str, str, str, bool, bool, bool]]
    refunds: list[RefundView]


@dataclass(slots=True)
class EntryView:
    """A row of the order's ledger."""

    payment_no: str
    capture_no: str
    refund_no: str
    amount: int
    currency: str
    entry: str
    why: str


@dataclass(slots=True)
class OrderView:
    """An order and all that belongs to it."""

    order_no: str
    status: str
    total: int
    currency: str
    version: int
    is_paid: bool
    payments: list[PaymentView]
    ledger: list[EntryView]


class System(Protocol):
    """A shop in a world. Nothing here raises, except `Crash` where the process dies."""

    def place(self, *, key: str) -> Answer:
        """An app places an order: `order_no` and `token` are in the answer."""
        ...

    def pay(self, *, order_no: str, channel: str) -> Answer:
        """An app starts a payment: `payment_no` is in the answer."""
        ...

    def come_back(self, *, payment_no: str) -> Answer:
        """The shopper is back from the wallet."""
        ...

    def poll(self, *, payment_no: str) -> Answer:
        """The app asks: `status`, `order_status`, `final`, `version`, `poll_after_ms`."""
        ...

    def cancel(self, *, order_no: str) -> Answer: ...

    def refund(self, *, order_no: str, key: str, amount: int | None) -> Answer:
        """An operator's app gives money back."""
        ...

    def receive_callback(self, *, channel: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """A channel calls back."""
        ...

    def operate(self, *, action: str, number: str) -> str:
        """An operator acts: `query`, `query_refund`, `replay`, `refund_again`, `import`.

        Returns what came of it, in a word.
        """
        ...

    def run_task(self, *, name: str, kwargs: Mapping[str, Any]) -> None:
        """A worker runs a task."""
        ...

    def enter(self, process: Process) -> None:
        """From now on this process runs: what it keeps in its memory is here."""
        ...

    def leave(self, process: Process) -> None: ...

    def writes(self) -> int:
        """Grows whenever a row may have changed: as long as it stays, there is no news."""
        ...

    def news(self) -> News: ...

    def views(self, order_nos: Collection[str]) -> list[OrderView]:
        """These orders, as they are committed, in the order of their numbers."""
        ...

    def all_orders(self) -> list[str]: ...

    def due_times(self) -> dict[str, dt.datetime | None]:
        """By task: when its first row is due. Before, it finds nothing, and beat may skip it."""
        ...

    def alarmed(self) -> set[str]:
        """The numbers that a person was ever called for: payments, orders, refunds."""
        ...

    def open_alerts(self) -> list[tuple[str, str]]:
        """Kind and subject of what a person has to look at now."""
        ...

    def is_in_transaction(self) -> bool: ...

    def rows_read(self) -> int:
        """How many rows the database has read so far, from tables and by indexes."""
        ...
