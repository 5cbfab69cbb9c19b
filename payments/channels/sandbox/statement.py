"""The statement of one day: the ledger's lines, and what the switches make of them."""

import csv
import datetime as dt
import hashlib
import io
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from payments.channels.sandbox.board import Board
from payments.channels.sandbox.database import Database
from payments.channels.sandbox.shapes import another_amount, iso

Targets = Mapping[str, Mapping[str, Any] | None]

_PIECE = 500  # lines that are written at once


class Line(NamedTuple):
    """One line. Its fields are the columns, in this order; `at` is told as ISO 8601."""

    kind: str
    payment_no: str
    refund_no: str  # empty for a payment
    channel_no: str  # of the bill, or of the refund
    capture_no: str  # empty for a refund
    amount: int
    currency: str
    merchant: str
    at: float


_DAY = """
SELECT 'payment' AS kind, payment_no, '' AS refund_no, bill_no AS channel_no, capture_no,
    captures.amount AS amount, currency, merchant, at
FROM captures JOIN bills ON bills.id = captures.bill_id
WHERE merchant = :merchant AND at >= :start AND at < :end
UNION ALL
SELECT 'refund', payment_no, refund_no, channel_no, '',
    refunds.amount, currency, bills.merchant, refunds.ended_at
FROM refunds JOIN bills ON bills.id = refunds.bill_id
WHERE bills.merchant = :merchant AND refunds.state = 'succeeded'
    AND refunds.ended_at >= :start AND refunds.ended_at < :end
ORDER BY at, kind, channel_no, capture_no
"""


def bounds(day: dt.date) -> tuple[float, float]:
    """When a UTC day begins and when it is over."""
    start = dt.datetime.combine(day, dt.time(), dt.UTC).timestamp()
    return start, start + 86_400


def statement(database: Database, board: Board, *, merchant: str, day: dt.date) -> Iterator[bytes]:
    """One UTC day of a merchant as CSV, in pieces; the last line is `end,<lines>`.

    So a file that was cut shows it, and one whose lines a switch has changed does not.
    """
    key = day.isoformat()
    start, _ = bounds(day)
    with database.snapshot() as db:
        lines = _without(_lines(db, merchant, day), board.targets("statement_missing_line", key))
        lines = _misstated(lines, board.targets("statement_wrong_amount", key))
        extra = board.marks("statement_extra_line", key)
        lines = _with_more(lines, merchant, start, extra["lines"] if extra else 0)
        yield from _csv(lines)


def _lines(db: sqlite3.Connection, merchant: str, day: dt.date) -> Iterator[Line]:
    start, end = bounds(day)
    rows = db.execute(_DAY, {"merchant": merchant, "start": start, "end": end})
    return (Line(*row) for row in rows)


def _without(lines: Iterator[Line], targets: Targets) -> Iterator[Line]:
    """Drop the first lines: of the day, or of a payment that has a switch of its own."""
    left = Counter({key: options["lines"] if options else 0 for key, options in targets.items()})
    for line in lines:
        key = line.payment_no if line.payment_no in targets else ""
        if left[key] > 0:
            left[key] -= 1
        else:
            yield line


def _misstated(lines: Iterator[Line], targets: Targets) -> Iterator[Line]:
    """Change the amount of the first line: of the day, or of a payment with its own switch."""
    left = dict(targets)
    for line in lines:
        wrong = left.pop(line.payment_no if line.payment_no in targets else "", None)
        if wrong:
            yield line._replace(amount=another_amount(line.amount, wrong["delta"]))
        else:
            yield line


def _with_more(lines: Iterator[Line], merchant: str, start: float, count: int) -> Iterator[Line]:
    """Add lines of payments that nobody made, always the same ones for one day."""
    at, currency = start, "EUR"
    for line in lines:
        at, currency = line.at, line.currency
        yield line
    for turn in range(count):
        digits = hashlib.sha256(f"{merchant}/{start}/{turn}".encode()).hexdigest()
        yield Line(
            kind="payment",
            payment_no=f"P{digits[:20].upper()}",
            refund_no="",
            channel_no=f"B{digits[20:40]}",
            capture_no=f"C{digits[40:60]}",
            amount=100 + int(digits[60:], 16),
            currency=currency,
            merchant=merchant,
            at=at,
        )


def _csv(lines: Iterator[Line]) -> Iterator[bytes]:
    count = 0
    yield _written([Line._fields])
    while piece := [(*line[:-1], iso(line.at)) for line in islice(lines, _PIECE)]:
        count += len(piece)
        yield _written(piece)
    yield _written([("end", count)])


def _written(rows: Iterable[Iterable[object]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()
