"""The wallet's own SQLite file."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Times are Unix seconds; amounts are minor units. A bill's money is the sum of its captures, so
# that a bill may be captured twice or late without a column that would have to deny it.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS bills (
    id INTEGER PRIMARY KEY,
    bill_no TEXT NOT NULL UNIQUE,
    merchant TEXT NOT NULL,
    payment_no TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL,
    subject TEXT NOT NULL,
    return_url TEXT NOT NULL,
    notify_url TEXT NOT NULL,
    expires_at REAL NOT NULL,
    created_at REAL NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending'
        CHECK (state IN ('pending', 'paid', 'failed', 'cancelled', 'closed')),
    ended_at REAL,
    UNIQUE (merchant, payment_no),
    UNIQUE (merchant, idempotency_key)
);
CREATE INDEX IF NOT EXISTS bills_pending ON bills (expires_at) WHERE state = 'pending';
CREATE TABLE IF NOT EXISTS captures (
    capture_no TEXT PRIMARY KEY,
    bill_id INTEGER NOT NULL REFERENCES bills,
    amount INTEGER NOT NULL,
    at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS captures_bill ON captures (bill_id);
CREATE INDEX IF NOT EXISTS captures_at ON captures (at);
CREATE TABLE IF NOT EXISTS planned_captures (
    id INTEGER PRIMARY KEY,
    bill_id INTEGER NOT NULL REFERENCES bills,
    due_at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS planned_captures_due ON planned_captures (due_at);
CREATE INDEX IF NOT EXISTS planned_captures_bill ON planned_captures (bill_id);
CREATE TABLE IF NOT EXISTS refunds (
    id INTEGER PRIMARY KEY,
    merchant TEXT NOT NULL,
    refund_no TEXT NOT NULL,
    channel_no TEXT NOT NULL,
    bill_id INTEGER NOT NULL REFERENCES bills,
    amount INTEGER NOT NULL CHECK (amount > 0),
    reason TEXT NOT NULL,
    at REAL NOT NULL,
    UNIQUE (merchant, refund_no)
);
CREATE INDEX IF NOT EXISTS refunds_bill ON refunds (bill_id);
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY,
    event_id TEXT NOT NULL UNIQUE,
    bill_id INTEGER NOT NULL REFERENCES bills,
    payment_no TEXT NOT NULL,
    type TEXT NOT NULL,
    url TEXT NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'given_up', 'lost')),
    copies INTEGER NOT NULL DEFAULT 1,
    held INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    due_at REAL NOT NULL,
    created_at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (due_at) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS deliveries_bill ON deliveries (bill_id);
CREATE TABLE IF NOT EXISTS attempts (
    id INTEGER PRIMARY KEY,
    delivery_id INTEGER NOT NULL REFERENCES deliveries,
    at REAL NOT NULL,
    seconds REAL NOT NULL,
    answer TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS attempts_delivery ON attempts (delivery_id);
CREATE TABLE IF NOT EXISTS faults (
    payment_no TEXT NOT NULL,  -- '' for every payment
    name TEXT NOT NULL,
    options TEXT NOT NULL,
    PRIMARY KEY (payment_no, name)
);
"""

# A file that an earlier wallet made has the tables, but lacks these columns of `refunds`. The
# refunds in it have all succeeded at once.
_REFUND_COLUMNS = {
    "state": "TEXT NOT NULL DEFAULT 'succeeded'"
    " CHECK (state IN ('pending', 'succeeded', 'failed'))",
    "becomes": "TEXT NOT NULL DEFAULT 'succeeded' CHECK (becomes IN ('succeeded', 'failed'))",
    "due_at": "REAL NOT NULL DEFAULT 0",
    "ended_at": "REAL",
}
_REFUND_REST = """
UPDATE refunds SET ended_at = at WHERE state = 'succeeded' AND ended_at IS NULL;
DROP INDEX IF EXISTS refunds_at;
CREATE INDEX IF NOT EXISTS refunds_ended ON refunds (ended_at);
CREATE INDEX IF NOT EXISTS refunds_due ON refunds (due_at) WHERE state = 'pending';
"""


class Database:
    """One connection for each thread, and one writer at a time."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._local = threading.local()
        # `BEGIN IMMEDIATE` is the guarantee; the lock only spares SQLite's sleeping retries.
        self._writing = threading.Lock()
        self.connection().executescript(_SCHEMA)
        _complete_refunds(self.connection())

    def connection(self) -> sqlite3.Connection:
        """This thread's connection, for reading."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._connect()
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
            self._local.connection = connection
        return connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A writing transaction: all of the block, or nothing."""
        connection = self.connection()
        with self._writing:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """One state of the file for a long read, whose steps may be made by different threads."""
        connection = self._connect(check_same_thread=False)
        try:
            connection.execute("BEGIN")
            yield connection
        finally:
            connection.close()

    def _connect(self, *, check_same_thread: bool = True) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=10, isolation_level=None, check_same_thread=check_same_thread
        )
        connection.row_factory = sqlite3.Row
        return connection


def _complete_refunds(db: sqlite3.Connection) -> None:
    present = {row["name"] for row in db.execute("PRAGMA table_info(refunds)")}
    for name, definition in _REFUND_COLUMNS.items():
        if name not in present:
            db.execute(f"ALTER TABLE refunds ADD COLUMN {name} {definition}")
    db.executescript(_REFUND_REST)
