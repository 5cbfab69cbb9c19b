"""Takings of money: each has a number of its own, and a bill may have several."""

import secrets
import sqlite3
from dataclasses import dataclass

from payments.channels.sandbox.bills import Bill


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """One taking of money; `amount` in minor units of the bill's currency."""

    capture_no: str
    amount: int
    at: float


def capture(db: sqlite3.Connection, bill: Bill, now: float) -> Capture:
    """Take the bill's whole amount from the shopper, whatever was taken before."""
    taken = Capture(capture_no=f"C{secrets.token_hex(10)}", amount=bill.amount, at=now)
    db.execute(
        "INSERT INTO captures (capture_no, bill_id, amount, at) VALUES (?, ?, ?, ?)",
        (taken.capture_no, bill.id, taken.amount, taken.at),
    )
    return taken


def captures_of(db: sqlite3.Connection, bill_id: int) -> list[Capture]:
    """What was taken for a bill, oldest first."""
    query = "SELECT capture_no, amount, at FROM captures WHERE bill_id = ? ORDER BY at, rowid"
    return [Capture(**row) for row in db.execute(query, (bill_id,))]


def plan(db: sqlite3.Connection, bill: Bill, due_at: float) -> None:
    """Write down that the money is to be taken at `due_at`, whatever the bill's state is then."""
    db.execute("INSERT INTO planned_captures (bill_id, due_at) VALUES (?, ?)", (bill.id, due_at))


def planned_for(db: sqlite3.Connection, bill_id: int) -> list[float]:
    """When money is still to be taken for a bill."""
    query = "SELECT due_at FROM planned_captures WHERE bill_id = ? ORDER BY due_at"
    return [row["due_at"] for row in db.execute(query, (bill_id,))]


def drop_plans(db: sqlite3.Connection, bill: Bill) -> None:
    """Take no money for this bill that isn't taken yet."""
    db.execute("DELETE FROM planned_captures WHERE bill_id = ?", (bill.id,))
