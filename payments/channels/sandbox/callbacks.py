"""Callbacks as rows: written with the change they tell of, due until the shop has taken them.

Signed by the Standard Webhooks scheme: https://github.com/standard-webhooks/standard-webhooks
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from payments.channels.sandbox.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One callback on its way. `attempts` counts this one too."""

    id: int
    event_id: str
    payment_no: str
    url: str
    body: str
    copies: int
    held: int
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What came of sending one copy: when, how many seconds it took, and what the shop said."""

    at: float
    seconds: float
    answer: str
    taken: bool


class Outbox:
    """The deliveries that are due: claimed by pushing them into the future, then settled."""

    def __init__(self, database: Database, *, retries: tuple[float, ...], patience: float) -> None:
        self._database = database
        self._retries = retries
        self._patience = patience

    def claim(self, *, now: float, limit: int) -> list[Delivery]:
        """Due deliveries, each due again by itself should we die while sending it."""
        with self._database.transaction() as db:
            rows = db.execute(
                "SELECT * FROM deliveries WHERE state = 'waiting' AND due_at <= ?"
                " ORDER BY due_at, id LIMIT ?",
                (now, limit),
            ).fetchall()
            db.executemany(
                "UPDATE deliveries SET attempts = attempts + 1, due_at = ? WHERE id = ?",
                [(now + self._patience, row["id"]) for row in rows],
            )
        names = Delivery.__slots__
        return [
            Delivery(**{name: row[name] for name in names} | {"attempts": row["attempts"] + 1})
            for row in rows
        ]

    def postpone(self, delivery: Delivery, *, until: float) -> None:
        """Undo the claim: nothing was sent."""
        with self._database.transaction() as db:
            db.execute(
                "UPDATE deliveries SET attempts = attempts - 1, due_at = ? WHERE id = ?",
                (until, delivery.id),
            )

    def settle(self, delivery: Delivery, attempts: Sequence[Attempt], *, now: float) -> None:
        """Delivered, due again by the schedule, or given up; and let go what waited for this."""
        taken = any(attempt.taken for attempt in attempts)
        more = delivery.attempts <= len(self._retries)
        state = "delivered" if taken else "waiting" if more else "given_up"
        due_at = now + self._retries[delivery.attempts - 1] if state == "waiting" else now
        with self._database.transaction() as db:
            db.executemany(
                "INSERT INTO attempts (delivery_id, at, seconds, answer) VALUES (?, ?, ?, ?)",
                [(delivery.id, one.at, one.seconds, one.answer) for one in attempts],
            )
            db.execute(
                "UPDATE deliveries SET state = ?, due_at = ?, held = 0 WHERE id = ?",
                (state, due_at, delivery.id),
            )
            db.execute(
                "UPDATE deliveries SET held = 0, due_at = ?"
                " WHERE held = 1 AND state = 'waiting' AND attempts = 0 AND id < ?",
                (now, delivery.id),
            )

    def log_of(self, bill_id: int) -> list[dict[str, Any]]:
        """A bill's deliveries with all their attempts, oldest first."""
        db = self._database.connection()
        query = "SELECT * FROM deliveries WHERE bill_id = ? ORDER BY id"
        return [
            dict(row)
            | {
                "tries": db.execute(
                    "SELECT at, seconds, answer FROM attempts WHERE delivery_id = ? ORDER BY id",
                    (row["id"],),
                ).fetchall()
            }
            for row in db.execute(query, (bill_id,)).fetchall()
        ]
