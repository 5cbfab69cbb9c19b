"""What an audit may read of the ledger at any time."""

import sqlite3
from typing import Any

from payments.channels.sandbox.database import Database
from payments.channels.sandbox.shapes import iso


def whole_ledger(database: Database) -> dict[str, Any]:
    """Every bill with its money as it truly is, whatever the switches make the API say.

    `refunded` is what went back, `refund_pending` what may still go back.
    """
    db = database.connection()
    db.execute("BEGIN")  # one snapshot for the three reads
    try:
        bills = {row["id"]: dict(row) for row in db.execute("SELECT * FROM bills ORDER BY id")}
        captures = db.execute("SELECT * FROM captures ORDER BY at, rowid").fetchall()
        refunds = db.execute("SELECT * FROM refunds ORDER BY id").fetchall()
    finally:
        db.execute("COMMIT")
    for bill in bills.values():
        bill.update(captured=0, refunded=0, refund_pending=0, captures=[], refunds=[])
    for row in captures:
        entry = {"capture_no": row["capture_no"], "amount": row["amount"], "at": iso(row["at"])}
        bills[row["bill_id"]]["captures"].append(entry)
        bills[row["bill_id"]]["captured"] += row["amount"]
    for row in refunds:
        _add_refund(bills[row["bill_id"]], row)
    return {"bills": [_public(bill) for bill in bills.values()]}


def _add_refund(bill: dict[str, Any], row: sqlite3.Row) -> None:
    bill["refunds"].append(
        {
            "refund_no": row["refund_no"],
            "state": row["state"],
            "amount": row["amount"],
            "at": iso(row["at"]),
            "ended_at": iso(row["ended_at"]),
        }
    )
    sums = {"succeeded": "refunded", "pending": "refund_pending"}
    if row["state"] in sums:
        bill[sums[row["state"]]] += row["amount"]


def _public(bill: dict[str, Any]) -> dict[str, Any]:
    kept = (
        "bill_no",
        "payment_no",
        "merchant",
        "state",
        "amount",
        "currency",
        "captured",
        "refunded",
        "refund_pending",
        "captures",
        "refunds",
        "return_url",
    )
    times = {name: iso(bill[name]) for name in ("created_at", "expires_at", "ended_at")}
    return {name: bill[name] for name in kept} | times
