"""A wallet goes on with the file that an earlier one has left."""

import sqlite3
from pathlib import Path

from payments.channels.base import RefundState
from tests.payments.channels.wallet import Wallet, a_charge

OLD_REFUNDS = """
CREATE TABLE refunds (
    id INTEGER PRIMARY KEY,
    merchant TEXT NOT NULL,
    refund_no TEXT NOT NULL,
    channel_no TEXT NOT NULL,
    bill_id INTEGER NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    reason TEXT NOT NULL,
    at REAL NOT NULL,
    UNIQUE (merchant, refund_no)
);
CREATE INDEX refunds_bill ON refunds (bill_id);
CREATE INDEX refunds_at ON refunds (at);
INSERT INTO refunds SELECT 1, merchant, 'R1', 'RX', id, 500, '', created_at FROM bills;
DROP TABLE planned_captures;
INSERT INTO faults VALUES ('', 'refund_pending_for', '{"probability": 1.0, "seconds": 30}');
INSERT INTO faults VALUES ('', 'a_switch_of_old', '{"probability": 1.0}');
"""


def make_old(folder: Path) -> None:
    """Give a wallet's file the shape that it had before refunds had states."""
    db = sqlite3.connect(folder / "wallet.sqlite3")
    db.executescript("DROP TABLE refunds;" + OLD_REFUNDS)
    db.close()


def test_old_refunds_have_succeeded_and_new_ones_have_states(tmp_path: Path) -> None:
    with Wallet(tmp_path) as wallet:
        channel = wallet.channel()
        channel.create(a_charge("P1"))
        wallet.pay("P1")
        wallet.stop()
        make_old(tmp_path)
        wallet.start()

        old = channel.query_refund(refund_no="R1", payment_no="P1")
        new = channel.refund(
            refund_no="R2", payment_no="P1", channel_no="", amount=1, currency="EUR", reason=""
        )
        bill = wallet.ledger()["P1"]

    assert (old.state, new.state) == (RefundState.SUCCEEDED, RefundState.PENDING)
    assert old.refunded_at is not None
    assert (bill["captured"], bill["refunded"], bill["refund_pending"]) == (1299, 500, 1)


def test_its_switches_are_shown_with_the_options_that_are_new(tmp_path: Path) -> None:
    with Wallet(tmp_path) as wallet:
        wallet.stop()
        make_old(tmp_path)
        wallet.start()

        switches = wallet.call("GET", "/faults").json()
        page = wallet.call("GET", "/switches").text

    assert switches["refund_pending_for"] == {"probability": 1.0, "seconds": 30, "times": 0}
    assert "a_switch_of_old" not in switches
    assert "Refund pending for" in page


def test_an_old_file_is_completed_only_once(tmp_path: Path) -> None:
    with Wallet(tmp_path) as wallet:
        wallet.channel().create(a_charge("P1"))
        for _ in range(2):
            wallet.stop()
            wallet.start()

        assert wallet.ledger()["P1"]["state"] == "pending"
