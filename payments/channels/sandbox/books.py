"""What the ledger tells at the end of a day, and what an audit may read at any time."""

import csv
import datetime as dt
import io
from typing import Any

from payments.channels.sandbox.database import Database
from payments.channels.sandbox.shapes import iso

_DAY = """
SELECT 'payment' AS kind, payment_no, '' AS refund_no, bill_no AS channel_no,
    captures.amount AS amount, currency, merchant, at
FROM captures JOIN bills ON bills.id = captures.bill_id
WHERE merchant = :merchant AND at >= :start AND at < :end
UNION ALL
SELECT 'refund', payment_no, refund_no, channel_no,
    refunds.amount, currency, bills.merchant, at
FROM refunds JOIN bills ON bills.id = refunds.bill_id
WHERE bills.merchant = :merchant AND at >= :start AND at < :end
ORDER BY at, kind, channel_no
"""


def statement(database: Database, *, merchant: str, day: dt.date) -> str:
    """One UTC day of a merchant as CSV; the last line is `end,<lines>`, so that a cut one shows."""
    start = dt.datetime.combine(day, dt.time(), dt.UTC).timestamp()
    values = {"merchant": merchant, "start": start, "end": start + 86_400}
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    rows = database.connection().execute(_DAY, values)
    writer.writerow(column[0] for column in rows.description)
    lines = [[*tuple(row)[:-1], iso(row["at"])] for row in rows]
    writer.writerows(lines)
    writer.writerow(["end", len(lines)])
    return out.getvalue()


def whole_ledger(database: Database) -> dict[str, Any]:
    """Every bill with its money as it truly is, whatever the switches make the API say."""
    db = database.connection()
    db.execute("BEGIN")  # one snapshot for the three reads
    try:
        bills = {row["id"]: dict(row) for row in db.execute("SELECT * FROM bills ORDER BY id")}
        captures = db.execute("SELECT * FROM captures ORDER BY at").fetchall()
        refunds = db.execute("SELECT * FROM refunds ORDER BY id").fetchall()
    finally:
        db.execute("COMMIT")
    for bill in bills.values():
        bill.update(captured=0, refunded=0, captures=[], refunds=[])
    for row in captures:
        entry = {"capture_no": row["capture_no"], "amount": row["amount"], "at": iso(row["at"])}
        bills[row["bill_id"]]["captures"].append(entry)
        bills[row["bill_id"]]["captured"] += row["amount"]
    for row in refunds:
        entry = {"refund_no": row["refund_no"], "amount": row["amount"], "at": iso(row["at"])}
        bills[row["bill_id"]]["refunds"].append(entry)
        bills[row["bill_id"]]["refunded"] += row["amount"]
    return {"bills": [_public(bill) for bill in bills.values()]}


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
        "captures",
        "refunds",
    )
    times = {name: iso(bill[name]) for name in ("created_at", "expires_at", "ended_at")}
    return {name: bill[name] for name in kept} | times
