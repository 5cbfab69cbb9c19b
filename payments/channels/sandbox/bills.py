"""A bill as a merchant asks for it, and as it stands in the ledger."""

import hashlib
import json
import sqlite3
from dataclasses import asdict, dataclass, fields


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
    """One bill as it is in the ledger.

    `captured` is all that was taken, `refunded` what went back, and `refund_pending` what may still
    go back; sums in minor units.
    """

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
    refund_pending: int

    @property
    def refundable(self) -> int:
        """What can still be promised back, in minor units."""
        return self.captured - self.refunded - self.refund_pending

    def state_at(self, now: float) -> str:
        """The state that counts at `now`: an unpaid bill is closed the moment it expires."""
        return "closed" if self.state == "pending" and self.expires_at <= now else self.state


_COLUMNS = ", ".join(f"bills.{f.name}" for f in fields(Bill)[:-3])
SELECT_BILLS = f"""
SELECT {_COLUMNS},
    (SELECT COALESCE(SUM(amount), 0) FROM captures WHERE bill_id = bills.id) AS captured,
    (SELECT COALESCE(SUM(amount), 0) FROM refunds
        WHERE bill_id = bills.id AND refunds.state = 'succeeded') AS refunded,
    (SELECT COALESCE(SUM(amount), 0) FROM refunds
        WHERE bill_id = bills.id AND refunds.state = 'pending') AS refund_pending
FROM bills
"""  # noqa: S608 - the names of our own columns


def find_bill(db: sqlite3.Connection, where: str, *values: object) -> Bill | None:
    """The bill that a condition of ours is true for, if there is one."""
    row = db.execute(f"{SELECT_BILLS} WHERE {where}", values).fetchone()
    return Bill(**row) if row else None


def get_bill(db: sqlite3.Connection, where: str, *values: object) -> Bill:
    """As `find_bill`; `Refused` with 404 where there is none."""
    bill = find_bill(db, where, *values)
    if bill is None:
        raise Refused("not_found", "no such bill", status=404)
    return bill
