"""What may happen to a bill, and the money that moves with it: the wallet's truth."""

import secrets
import sqlite3
from dataclasses import asdict

from payments.channels.sandbox.announcer import Announcer
from payments.channels.sandbox.bills import (
    SELECT_BILLS,
    Bill,
    BillRequest,
    Refused,
    find_bill,
    get_bill,
)
from payments.channels.sandbox.board import Board
from payments.channels.sandbox.captures import (
    Capture,
    capture,
    captures_of,
    drop_plans,
    plan,
    planned_for,
)
from payments.channels.sandbox.database import Database


class Ledger:
    """Every change of a bill's state is one transaction, with its callback written in it."""

    def __init__(self, database: Database, board: Board, announcer: Announcer) -> None:
        self._database = database
        self._strikes = board.strikes
        self._announcer = announcer

    def create(self, *, merchant: str, key: str, wanted: BillRequest, now: float) -> Bill:
        """The bill of this idempotency key: made now, or found as it is by now."""
        with self._database.transaction() as db:
            known = find_bill(db, "merchant = ? AND idempotency_key = ?", merchant, key)
            if known:
                if known.fingerprint != wanted.fingerprint():
                    raise Refused("idempotency_conflict", "this key was used for another request")
                return known
            if find_bill(db, "merchant = ? AND payment_no = ?", merchant, wanted.payment_no):
                raise Refused("payment_no_taken", "this payment_no has a bill under another key")
            if wanted.expires_at <= now:
                raise Refused("expired", "expires_at has passed already", status=422)
            return _insert(db, merchant, key, wanted, now)

    def by_payment_no(self, payment_no: str, *, merchant: str | None = None) -> Bill:
        """The bill of a merchant's number; `Refused` with 404 where there is none."""
        where, values = "payment_no = ?", [payment_no]
        if merchant is not None:
            where, values = f"{where} AND merchant = ?", [payment_no, merchant]
        return get_bill(self._database.connection(), where, *values)

    def by_bill_no(self, bill_no: str) -> Bill:
        """The bill of the wallet's number; `Refused` with 404 where there is none."""
        return get_bill(self._database.connection(), "bill_no = ?", bill_no)

    def latest(self, count: int) -> list[Bill]:
        """The newest bills, newest first."""
        query = f"{SELECT_BILLS} ORDER BY id DESC LIMIT ?"
        return [Bill(**row) for row in self._database.connection().execute(query, (count,))]

    def captures(self, bill: Bill) -> list[Capture]:
        """What was taken for a bill, oldest first."""
        return captures_of(self._database.connection(), bill.id)

    def planned_captures(self, bill: Bill) -> list[float]:
        """When a switch will have more money taken for a bill."""
        return planned_for(self._database.connection(), bill.id)

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

    def pay_late(self, bill_no: str, *, now: float) -> Bill:
        """Take the money for a bill that ended unpaid; `Refused` for one that is open or paid."""
        with self._database.transaction() as db:
            bill = get_bill(db, "bill_no = ?", bill_no)
            state = bill.state_at(now)
            if state in ("pending", "paid"):
                raise Refused(state, f"this bill is {state}: no money can come late")
            if bill.state == "pending":
                bill = self._move(db, bill, "closed", now)
            drop_plans(db, bill)
            return self._move(db, bill, "paid", now)

    def charge_again(self, bill_no: str, *, now: float) -> Bill:
        """Take the whole amount once more for a paid bill; `Refused` for any other."""
        with self._database.transaction() as db:
            bill = get_bill(db, "bill_no = ?", bill_no)
            if bill.state != "paid":
                raise Refused("not_paid", "this bill was not paid yet")
            return self._take(db, bill, now)

    def close_expired(self, *, now: float) -> None:
        """Write down what expired since the last time, so that the shop is told."""
        query = "SELECT bill_no FROM bills WHERE state = 'pending' AND expires_at <= ? LIMIT 500"
        for row in self._database.connection().execute(query, (now,)).fetchall():
            self._end(row["bill_no"], "closed", now, wish=True)

    def take_planned(self, *, now: float) -> None:
        """Take the money that a switch has planned to take by now."""
        query = "SELECT id, bill_id FROM planned_captures WHERE due_at <= ? ORDER BY due_at, id"
        for row in self._database.connection().execute(query, (now,)).fetchall():
            with self._database.transaction() as db:
                if not _used_up(db, row["id"]):
                    continue  # a deed was quicker
                bill = get_bill(db, "bills.id = ?", row["bill_id"])
                if bill.state == "paid":
                    self._take(db, bill, now)
                else:
                    self._move(db, bill, "paid", now)

    def _end(self, bill_no: str, state: str, now: float, *, wish: bool = False) -> Bill:
        """Move a pending bill to `state`. One that ended otherwise stays, and a `wish` accepts it.

        Pay and close meet here: whichever transaction comes first has won.
        """
        with self._database.transaction() as db:
            bill = get_bill(db, "bill_no = ?", bill_no)
            if bill.state_at(now) == "pending" or (bill.state == "pending" and state == "closed"):
                return self._move(db, bill, state, now)
            if bill.state == state or wish:
                return bill
            raise Refused(bill.state_at(now), f"this bill is {bill.state_at(now)} already")

    def _move(self, db: sqlite3.Connection, bill: Bill, state: str, now: float) -> Bill:
        db.execute("UPDATE bills SET state = ?, ended_at = ? WHERE id = ?", (state, now, bill.id))
        if state == "paid":
            return self._take_as_switched(db, bill, now)
        late = None if state == "failed" else self._strikes("late_success", bill.payment_no)
        if late:
            plan(db, bill, now + late["seconds"])
        moved = get_bill(db, "bills.id = ?", bill.id)
        self._announcer.tell_end(db, moved, now)
        return moved

    def _take_as_switched(self, db: sqlite3.Connection, bill: Bill, now: float) -> Bill:
        taken = self._take(db, bill, now)
        again = self._strikes("double_charge", bill.payment_no)
        if again and again["seconds"]:
            plan(db, bill, now + again["seconds"])
        elif again:
            taken = self._take(db, bill, now)
        return taken

    def _take(self, db: sqlite3.Connection, bill: Bill, now: float) -> Bill:
        one = capture(db, bill, now)
        taken = get_bill(db, "bills.id = ?", bill.id)
        self._announcer.tell_capture(db, taken, one, now)
        return taken


def _used_up(db: sqlite3.Connection, planned_id: int) -> bool:
    return db.execute("DELETE FROM planned_captures WHERE id = ?", (planned_id,)).rowcount > 0


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
    return get_bill(db, "bills.id = ?", cursor.lastrowid)
