"""Bills and the money in them: the wallet's truth."""

import hashlib
import json
import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields

from payments.channels.sandbox.database import Database


class Refused(Exception):
    """The wallet says no; `code` is for programs, `status` is the HTTP status it is told with."""

    def __init__(self, code: str, message: str, *, status: int = 409) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class BillRequest:
    """What a merchant sends to have a bill made; `amount` in minor units, time in Unix seconds."""

    payment_no: str
    amount: int
    currency: str
    subject: str
    return_url: str
    notify_url: str
    expires_at: float

    def fingerprint(self) -> str:
        """Equal for equal requests: tells a replay from another request under the same key."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """One bill as it is in the ledger; `captured` and `refunded` are sums in minor units."""

    id: int
    bill_no: str
    merchant: str
    payment_no: str
    idempotency_key: str
    fingerprint: str
    amount: int
    currency: str
    subject: str
    return_url: str
    notify_url: str
    expires_at: float
    created_at: float
    state: str
    ended_at: float | None
    captured: int
    refunded: int

    def state_at(self, now: float) -> str:
        """The state that counts at `now`: an unpaid bill is closed the moment it expires."""
        return "closed" if self.state == "pending" and self.expires_at <= now else self.state


_COLUMNS = ", ".join(f"bills.{f.name}" for f in fields(Bill)[:-2])
SELECT_BILLS = f"""
SELECT {_COLUMNS},
    (SELECT COALESCE(SUM(amount), 0) FROM captures WHERE bill_id = bills.id) AS captured,
    (SELECT COALESCE(SUM(amount), 0) FROM refunds WHERE bill_id = bills.id) AS refunded
FROM bills
"""  # noqa: S608 - the names of our own columns

# Called inside the transaction that changed the bill's state.
Announce = Callable[[sqlite3.Connection, Bill, float], None]


class Ledger:
    """Every change of a bill's state is one transaction, with its callback written in it."""

    def __init__(self, database: Database, announce: Announce) -> None:
        self._database = database
        self._announce = announce

    def create(self, *, merchant: str, key: str, wanted: BillRequest, now: float) -> Bill:
        """The bill of this idempotency key: made now, or found as it is by now."""
        with self._database.transaction() as db:
            known = _one(db, "merchant = ? AND idempotency_key = ?", merchant, key)
            if known:
                if known.fingerprint != wanted.fingerprint():
                    raise Refused("idempotency_conflict", "this key was used for another request")
                return known
            if _one(db, "merchant = ? AND payment_no = ?", merchant, wanted.payment_no):
                raise Refused("payment_no_taken", "this payment_no has a bill under another key")
            if wanted.expires_at <= now:
                raise Refused("expired", "expires_at has passed already", status=422)
            return _insert(db, merchant, key, wanted, now)

    def by_payment_no(self, payment_no: str, *, merchant: str | None = None) -> Bill:
        """The bill of a merchant's number; `Refused` with 404 where there is none."""
        where, values = "payment_no = ?", [payment_no]
        if merchant is not None:
            where, values = f"{where} AND merchant = ?", [payment_no, merchant]
        return _found(_one(self._database.connection(), where, *values))

    def by_bill_no(self, bill_no: str) -> Bill:
        """The bill of the wallet's number; `Refused` with 404 where there is none."""
        return _found(_one(self._database.connection(), "bill_no = ?", bill_no))

    def latest(self, count: int) -> list[Bill]:
        """The newest bills, newest first."""
        query = f"{SELECT_BILLS} ORDER BY id DESC LIMIT ?"
        return [Bill(**row) for row in self._database.connection().execute(query, (count,))]

    def pay(self, bill_no: str, *, now: float) -> Bill:
        """Capture the whole amount; paying a paid bill again takes no more money."""
        return self._end(bill_no, "paid", now)

    def cancel(self, bill_no: str, *, now: float) -> Bill:
        """End the bill as the shopper's wish."""
        return self._end(bill_no, "cancelled", now)

    def decline(self, bill_no: str, *, now: float) -> Bill:
        """End the bill because the shopper has not got the money."""
        return self._end(bill_no, "failed", now)

    def close(self, bill_no: str, *, now: float) -> Bill:
        """End the bill as the merchant's wish; `Refused` as `already_paid` if that came first."""
        bill = self._end(bill_no, "closed", now, wish=True)
        if bill.state == "paid":
            raise Refused("already_paid", "the shopper has paid this bill")
        return bill

    def close_expired(self, *, now: float) -> None:
        """Write down what expired since the last time, so that the shop is told."""
        query = "SELECT bill_no FROM bills WHERE state = 'pending' AND expires_at <= ? LIMIT 500"
        for row in self._database.connection().execute(query, (now,)).fetchall():
            self._end(row["bill_no"], "closed", now, wish=True)

    def _end(self, bill_no: str, state: str, now: float, *, wish: bool = False) -> Bill:
        """Move a pending bill to `state`. One that ended otherwise stays, and a `wish` accepts it.

        Pay and close meet here: whichever transaction comes first has won.
        """
        with self._database.transaction() as db:
            bill = _found(_one(db, "bill_no = ?", bill_no))
            if bill.state_at(now) == "pending" or (bill.state == "pending" and state == "closed"):
                return self._move(db, bill, state, now)
            if bill.state == state or wish:
                return bill
            raise Refused(bill.state_at(now), f"this bill is {bill.state_at(now)} already")

    def _move(self, db: sqlite3.Connection, bill: Bill, state: str, now: float) -> Bill:
        db.execute("UPDATE bills SET state = ?, ended_at = ? WHERE id = ?", (state, now, bill.id))
        if state == "paid":
            capture(db, bill, now)
        moved = _found(_one(db, "bills.id = ?", bill.id))
        self._announce(db, moved, now)
        return moved


def capture(db: sqlite3.Connection, bill: Bill, now: float) -> None:
    """Take the bill's whole amount from the shopper, whatever was taken before."""
    db.execute(
        "INSERT INTO captures (capture_no, bill_id, amount, at) VALUES (?, ?, ?, ?)",
        (f"C{secrets.token_hex(10)}", bill.id, bill.amount, now),
    )


def _insert(
    db: sqlite3.Connection, merchant: str, key: str, wanted: BillRequest, now: float
) -> Bill:
    row = {
        **asdict(wanted),
        "bill_no": f"B{secrets.token_hex(10)}",
        "merchant": merchant,
        "idempotency_key": key,
        "fingerprint": wanted.fingerprint(),
        "created_at": now,
    }
    names, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
    query = f"INSERT INTO bills ({names}) VALUES ({marks})"  # noqa: S608 - our own names
    cursor = db.execute(query, row)
    return _found(_one(db, "bills.id = ?", cursor.lastrowid))


def _one(db: sqlite3.Connection, where: str, *values: object) -> Bill | None:
    row = db.execute(f"{SELECT_BILLS} WHERE {where}", values).fetchone()
    return Bill(**row) if row else None


def _found(bill: Bill | None) -> Bill:
    if bill is None:
        raise Refused("not_found", "no such bill", status=404)
    return bill
