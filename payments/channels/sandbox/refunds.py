"""Money going back: never more than was captured, and one refund for each `refund_no`."""

import secrets
import sqlite3

from payments.channels.sandbox.announcer import Announcer
from payments.channels.sandbox.bills import Bill, Refused, get_bill
from payments.channels.sandbox.board import Board
from payments.channels.sandbox.database import Database
from payments.channels.sandbox.refund_values import Refund, select_refunds


class Refunds:
    """A refund is accepted as pending and ends at once, unless a switch wants it otherwise.

    One that fails gives its amount back to the merchant: it may be refunded under another number.
    """

    def __init__(self, database: Database, board: Board, announcer: Announcer) -> None:
        self._database = database
        self._strikes = board.strikes
        self._announcer = announcer

    def make(
        self,
        *,
        merchant: str,
        refund_no: str,
        payment_no: str,
        amount: int,
        currency: str,
        reason: str,
        now: float,
    ) -> Refund:
        """The refund of this number: made now, or found; `Refused` where it can't be."""
        with self._database.transaction() as db:
            known = _find(db, merchant, refund_no)
            if known:
                asked = (payment_no, amount, currency)
                if (known.payment_no, known.amount, known.currency) != asked:
                    raise Refused("idempotency_conflict", "this refund_no has another refund")
                return known
            bill = get_bill(db, "merchant = ? AND payment_no = ?", merchant, payment_no)
            self._check(bill, amount, currency)
            becomes, due_at = self._fate(payment_no, now)
            made = _insert(
                db,
                bill,
                refund_no=refund_no,
                amount=amount,
                reason=reason,
                becomes=becomes,
                due_at=due_at,
                now=now,
            )
            return self._end(db, made, now) if due_at <= now else made

    def find(self, *, merchant: str, refund_no: str) -> Refund:
        """A refund by its number; `Refused` with 404 where there is none."""
        refund = _find(self._database.connection(), merchant, refund_no)
        if refund is None:
            raise Refused("not_found", "no such refund", status=404)
        return refund

    def of_bill(self, bill: Bill) -> list[Refund]:
        """A bill's refunds, oldest first."""
        return select_refunds(self._database.connection(), "bill_id = ?", bill.id)

    def end_due(self, *, now: float) -> None:
        """End the pending refunds whose time has come, so that the shop is told."""
        due = "refunds.state = 'pending' AND due_at <= ?"
        for refund in select_refunds(self._database.connection(), due, now):
            with self._database.transaction() as db:
                self._end(db, refund, now)

    def _check(self, bill: Bill, amount: int, currency: str) -> None:
        if bill.currency != currency:
            raise Refused("wrong_currency", f"the bill is in {bill.currency}", status=422)
        if amount > bill.refundable:
            raise Refused("too_much", "more than is left of what was captured", status=422)
        if self._strikes("refuse_refund", bill.payment_no, "refund"):
            raise Refused("insufficient_balance", "the account has too little money", status=422)

    def _fate(self, payment_no: str, now: float) -> tuple[str, float]:
        """How a new refund will end, and when."""
        fails = self._strikes("refund_fails_later", payment_no, "refund")
        if fails:
            return "failed", now + fails["seconds"]
        waits = self._strikes("refund_pending_for", payment_no, "refund")
        return "succeeded", now + (waits["seconds"] if waits else 0)

    def _end(self, db: sqlite3.Connection, refund: Refund, now: float) -> Refund:
        db.execute(
            "UPDATE refunds SET state = becomes, ended_at = ? WHERE id = ?", (now, refund.id)
        )
        (ended,) = select_refunds(db, "refunds.id = ?", refund.id)
        self._announcer.tell_refund(db, get_bill(db, "bills.id = ?", refund.bill_id), ended, now)
        return ended


def _find(db: sqlite3.Connection, merchant: str, refund_no: str) -> Refund | None:
    found = select_refunds(db, "refunds.merchant = ? AND refund_no = ?", merchant, refund_no)
    return found[0] if found else None


def _insert(
    db: sqlite3.Connection,
    bill: Bill,
    *,
    refund_no: str,
    amount: int,
    reason: str,
    becomes: str,
    due_at: float,
    now: float,
) -> Refund:
    cursor = db.execute(
        "INSERT INTO refunds (merchant, refund_no, channel_no, bill_id, amount, reason, at,"
        " state, becomes, due_at) VALUES (?, ?, ?, ?, ?, ?, ?, 'pending', ?, ?)",
        (
            bill.merchant,
            refund_no,
            f"R{secrets.token_hex(10)}",
            bill.id,
            amount,
            reason,
            now,
            becomes,
            due_at,
        ),
    )
    return select_refunds(db, "refunds.id = ?", cursor.lastrowid)[0]
