"""Writes callbacks: each in the transaction of the change that it tells of."""

import json
import secrets
import sqlite3
from collections.abc import Mapping
from typing import Any

from payments.channels.sandbox.bills import Bill
from payments.channels.sandbox.board import Board
from payments.channels.sandbox.captures import Capture, captures_of
from payments.channels.sandbox.refund_values import Refund
from payments.channels.sandbox.shapes import capture_shape, iso, misstated, refund_shape


class Announcer:
    """Callbacks as rows, as the switches let them be: late, lost, several, or out of order."""

    def __init__(self, board: Board) -> None:
        self._board = board

    def tell_end(self, db: sqlite3.Connection, bill: Bill, now: float) -> None:
        """Tell that a bill has ended unpaid."""
        body = self._about(db, bill) | {"capture_no": None, "paid_at": None}
        self._write(db, bill, body, now)

    def tell_capture(self, db: sqlite3.Connection, bill: Bill, one: Capture, now: float) -> None:
        """Tell of one capture; the amount and the number are those of this capture."""
        body = self._about(db, bill)
        told = next(told for told in body["captures"] if told["capture_no"] == one.capture_no)
        news = {"capture_no": one.capture_no, "amount": told["amount"], "paid_at": iso(one.at)}
        self._write(db, bill, body | news, now)

    def tell_refund(self, db: sqlite3.Connection, bill: Bill, refund: Refund, now: float) -> None:
        """Tell that a refund has ended."""
        self._write(db, bill, {"type": f"refund.{refund.state}", **refund_shape(refund)}, now)

    def _about(self, db: sqlite3.Connection, bill: Bill) -> dict[str, Any]:
        wrong = self._board.marks("wrong_amount", bill.payment_no)
        told, captures = misstated(bill, captures_of(db, bill.id), wrong)
        return {
            "type": f"payment.{bill.state}",
            "payment_no": bill.payment_no,
            "bill_no": bill.bill_no,
            "state": bill.state,
            "amount": told.amount,
            "currency": bill.currency,
            "merchant": bill.merchant,
            "captures": [capture_shape(one) for one in captures],
        }

    def _write(
        self, db: sqlite3.Connection, bill: Bill, body: Mapping[str, Any], now: float
    ) -> None:
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
                body["type"],
                bill.notify_url,
                json.dumps(body),
                "lost" if lost else "waiting",
                copies["count"] if copies else 1,
                1 if holding else 0,
                due_at,
                now,
            ),
        )


def _anything_held(db: sqlite3.Connection) -> bool:
    query = "SELECT 1 FROM deliveries WHERE held = 1 AND state = 'waiting' LIMIT 1"
    return db.execute(query).fetchone() is not None
