"""A refund as it stands in the ledger."""

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """One accepted refund; `amount` in minor units of the bill's currency.

    A pending one reserves its amount; it will end as `becomes` at `due_at`.
    """

    id: int
    bill_id: int
    refund_no: str
    channel_no: str
    payment_no: str
    amount: int
    currency: str
    reason: str
    at: float
    state: str  # pending, succeeded or failed
    becomes: str
    due_at: float
    ended_at: float | None


_SELECT = """
SELECT refunds.id, bill_id, refund_no, channel_no, payment_no, refunds.amount, currency, reason, at,
    refunds.state, becomes, due_at, refunds.ended_at
FROM refunds JOIN bills ON bills.id = refunds.bill_id
"""


def select_refunds(db: sqlite3.Connection, where: str, *values: object) -> list[Refund]:
    """The refunds that a condition of ours is true for, oldest first."""
    query = f"{_SELECT} WHERE {where} ORDER BY refunds.id"
    return [Refund(**row) for row in db.execute(query, values)]
