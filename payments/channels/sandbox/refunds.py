"""Money going back: never more than was captured, and one refund for each `refund_no`."""

import secrets
import sqlite3
from dataclasses import dataclass

from payments.channels.sandbox.database import Database
from payments.channels.sandbox.ledger import SELECT_BILLS, Bill, Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """One accepted refund; `amount` in minor units of the bill's currency."""

    refund_no: str
    channel_no: str
    payment_no: str
    amount: int
    currency: str
    reason: str
    at: float


_SELECT = """
SELECT refund_no, channel_no, payment_no, refunds.amount, currency, reason, at
FROM refunds JOIN bills ON bills.id = refunds.bill_id
WHERE refunds.merchant = ? AND refund_no = ?
"""


def make_refund(
    database: Database,
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
    with database.transaction() as db:
        known = _find(db, merchant, refund_no)
        if known:
            if (known.payment_no, known.amount, known.currency) != (payment_no, amount, currency):
                raise Refused("idempotency_conflict", "this refund_no was used for another refund")
            return known
        bill = _bill(db, merchant, payment_no)
        if bill.currency != currency:
            raise Refused("wrong_currency", f"the bill is in {bill.currency}", status=422)
        if amount > bill.captured - bill.refunded:
            raise Refused("too_much", "more than is left of what was captured", status=422)
        db.execute(
            "INSERT INTO refunds (merchant, refund_no, channel_no, bill_id, amount, reason, at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (merchant, refund_no, f"R{secrets.token_hex(10)}", bill.id, amount, reason, now),
        )
        return _required(_find(db, merchant, refund_no))


def find_refund(database: Database, *, merchant: str, refund_no: str) -> Refund:
    """A refund by its number; `Refused` with 404 where there is none."""
    return _required(_find(database.connection(), merchant, refund_no))


def _find(db: sqlite3.Connection, merchant: str, refund_no: str) -> Refund | None:
    row = db.execute(_SELECT, (merchant, refund_no)).fetchone()
    return Refund(**row) if row else None


def _required(refund: Refund | None) -> Refund:
    if refund is None:
        raise Refused("not_found", "no such refund", status=404)
    return refund


def _bill(db: sqlite3.Connection, merchant: str, payment_no: str) -> Bill:
    query = f"{SELECT_BILLS} WHERE merchant = ? AND payment_no = ?"
    row = db.execute(query, (merchant, payment_no)).fetchone()
    if row is None:
        raise Refused("not_found", "no such bill", status=404)
    return Bill(**row)
