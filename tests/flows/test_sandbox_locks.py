"""The wallet of demo and live tests must not hang while its switches are turned."""

import threading

from payments.channels.sandbox.board import Board
from payments.channels.sandbox.database import Database


def test_a_switch_turned_while_a_bill_ends_hangs_neither(tmp_path):
    database = Database(tmp_path / "wallet.sqlite3")
    board = Board(database, seed=1)
    board.replace({"lose_callback": {"probability": 1}})
    turning = threading.Thread(target=board.replace, args=({}, "P1"), daemon=True)
    found = []

    def end_a_bill():
        with database.transaction():
            turning.start()
            turning.join(0.2)  # it waits for the transaction
            found.append(board.strikes("lose_callback", "P1"))

    ending = threading.Thread(target=end_a_bill, daemon=True)
    ending.start()
    ending.join(5)
    turning.join(5)

    assert found == [{"probability": 1}]
    assert (ending.is_alive(), turning.is_alive()) == (False, False)
