"""Callbacks as rows: written with the change they tell of, due until the shop has taken them.

Signed by the Standard Webhooks scheme: https://github.com/standard-webhooks/standard-webhooks
"""

import json
import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from payments.channels.sandbox.board import Board
from payments.channels.sandbox.database import Database
from payments.channels.sandbox.ledger import Bill
from payments.channels.sandbox.shapes import iso


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One callback on its way. `attempts` counts this one too."""

    id: int
    event_id: str
    payment_no: str
    url: str
    body: str
    copies: int
    held: int
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What came of sending one copy: when, how many seconds it took, and what the shop said."""

    at: float
    seconds: float
    answer: str
    taken: bool


class Announcer:
    """Writes the callback of a bill that has just ended, in the transaction that ended it."""

    def __init__(self, board: Board) -> None:
        self._board = board

    def __call__(self, db: sqlite3.Connection, bill: Bill, now: float) -> None:
        payment_no = bill.payment_no
        strikes = self._board.strikes
        lost = strikes("lose_callback", payment_no)
        delay = strikes("delay_callback", payment_no)
        copies = strikes("duplicate_callback", payment_no)
        due_at = now + (delay["seconds"] if delay else 0)
        holding = None if _anything_held(db) else strikes("reorder_callbacks", payment_no)
        if holding:
            due_at = now + holding["seconds"]
        db.execute(
            "INSERT INTO deliveries (event_id, bill_id, payment_no, type, url, body, state, copies,"
            " held, due_at, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                f"evt_{secrets.token_hex(12)}",
                bill.id,
                payment_no,
                f"payment.{bill.state}",
                bill.notify_url,
                json.dumps(self._body(bill)),
                "lost" if lost else "waiting",
                copies["count"] if copies else 1,
                1 if holding else 0,
                due_at,
                now,
            ),
        )

    def _body(self, bill: Bill) -> dict[str, Any]:
        wrong = self._board.marks("wrong_amount", bill.payment_no)
        return {
            "type": f"payment.{bill.state}",
            "payment_no": bill.payment_no,
            "bill_no": bill.bill_no,
            "state": bill.state,
            "amount": falsified(bill.amount, wrong),
            "currency": bill.currency,
            "merchant": bill.merchant,
            "paid_at": iso(bill.ended_at) if bill.state == "paid" else None,
        }


def falsified(amount: int, wrong: dict[str, Any] | None) -> int:
    """Another amount than the true one, never below zero."""
    if wrong is None:
        return amount
    moved = amount + wrong["delta"]
    return int(moved if moved >= 0 and moved != amount else amount + 1)


class Outbox:
    """The deliveries that are due: claimed by pushing them into the future, then settled."""

    def __init__(self, database: Database, *, retries: tuple[float, ...], patience: float) -> None:
        self._database = database
        self._retries = retries
        self._patience = patience

    def claim(self, *, now: float, limit: int) -> list[Delivery]:
        """Due deliveries, each due again by itself should we die while sending it."""
        with self._database.transaction() as db:
            rows = db.execute(
                "SELECT * FROM deliveries WHERE state = 'waiting' AND due_at <= ?"
                " ORDER BY due_at, id LIMIT ?",
                (now, limit),
            ).fetchall()
            db.executemany(
                "UPDATE deliveries SET attempts = attempts + 1, due_at = ? WHERE id = ?",
                [(now + self._patience, row["id"]) for row in rows],
            )
        names = Delivery.__slots__
        return [
            Delivery(**{name: row[name] for name in names} | {"attempts": row["attempts"] + 1})
            for row in rows
        ]

    def postpone(self, delivery: Delivery, *, until: float) -> None:
        """Undo the claim: nothing was sent."""
        with self._database.transaction() as db:
            db.execute(
                "UPDATE deliveries SET attempts = attempts - 1, due_at = ? WHERE id = ?",
                (until, delivery.id),
            )

    def settle(self, delivery: Delivery, attempts: Sequence[Attempt], *, now: float) -> None:
        """Delivered, due again by the schedule, or given up; and let go what waited for this."""
        taken = any(attempt.taken for attempt in attempts)
        more = delivery.attempts <= len(self._retries)
        state = "delivered" if taken else "waiting" if more else "given_up"
        due_at = now + self._retries[delivery.attempts - 1] if state == "waiting" else now
        with self._database.transaction() as db:
            db.executemany(
                "INSERT INTO attempts (delivery_id, at, seconds, answer) VALUES (?, ?, ?, ?)",
                [(delivery.id, one.at, one.seconds, one.answer) for one in attempts],
            )
            db.execute(
                "UPDATE deliveries SET state = ?, due_at = ?, held = 0 WHERE id = ?",
                (state, due_at, delivery.id),
            )
            db.execute(
                "UPDATE deliveries SET held = 0, due_at = ?"
                " WHERE held = 1 AND state = 'waiting' AND attempts = 0 AND id < ?",
                (now, delivery.id),
            )

    def log_of(self, bill_id: int) -> list[dict[str, Any]]:
        """A bill's deliveries with all their attempts, oldest first."""
        db = self._database.connection()
        query = "SELECT * FROM deliveries WHERE bill_id = ? ORDER BY id"
        return [
            dict(row)
            | {
                "tries": db.execute(
                    "SELECT at, seconds, answer FROM attempts WHERE delivery_id = ? ORDER BY id",
                    (row["id"],),
                ).fetchall()
            }
            for row in db.execute(query, (bill_id,)).fetchall()
        ]


def _anything_held(db: sqlite3.Connection) -> bool:
    query = "SELECT 1 FROM deliveries WHERE held = 1 AND state = 'waiting' LIMIT 1"
    return db.execute(query).fetchone() is not None
