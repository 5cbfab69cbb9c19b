"""Reading the wallet's statement: strictly, in pieces of any size, and fast."""

import itertools
import time
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.channels.base import OutcomeUnknown, StatementLine
from payments.channels.sandbox.statement import Line
from payments.channels.sandbox.statement_lines import HEADER, statement_from

PAYMENT = "payment,P1,,B1,C1,1299,EUR,m,2026-01-01T00:00:00.5+00:00\n"
REFUND = "refund,P1,R1,X1,,500,EUR,m,2026-01-01T03:00:00+02:00\n"
HEAD = HEADER + "\n"
WHOLE = HEAD + PAYMENT + REFUND + "end,2\n"


def read(text: str | bytes) -> list[StatementLine]:
    return list(statement_from(iter([text if isinstance(text, bytes) else text.encode()])))


def test_payments_and_refunds_are_read_with_all_their_numbers() -> None:
    payment, refund = read(WHOLE)

    assert (payment.kind, payment.payment_no, payment.refund_no) == ("payment", "P1", "")
    assert (payment.channel_no, payment.capture_no, payment.amount) == ("B1", "C1", 1299)
    assert (refund.kind, refund.payment_no, refund.refund_no) == ("refund", "P1", "R1")
    assert (refund.channel_no, refund.capture_no, refund.amount) == ("X1", "", 500)
    assert (refund.currency, refund.merchant) == ("EUR", "m")
    assert (payment.at.isoformat(), refund.at.isoformat()) == (
        "2026-01-01T00:00:00.500000+00:00",
        "2026-01-01T01:00:00+00:00",
    )


def test_the_columns_are_those_that_the_wallet_writes() -> None:
    assert HEADER.split(",") == list(Line._fields)


@given(cuts=st.lists(st.integers(0, len(WHOLE)), max_size=8))
def test_it_is_the_same_in_whatever_pieces_it_comes(cuts: list[int]) -> None:
    raw, edges = WHOLE.encode(), [0, *sorted(cuts), len(WHOLE)]
    pieces = [raw[start:end] for start, end in itertools.pairwise(edges)]

    assert list(statement_from(iter(pieces))) == read(WHOLE)


@given(size=st.integers(0, len(WHOLE) - 2))
def test_one_that_was_cut_anywhere_is_unknown(size: int) -> None:
    with pytest.raises(OutcomeUnknown):
        read(WHOLE[:size])


@pytest.mark.parametrize(
    "text",
    [
        PAYMENT + "end,1\n",
        HEAD + PAYMENT + "end,2\n",
        HEAD + "end,0\n" + PAYMENT,
        HEAD + PAYMENT + "end,1\nend,1\n",
        HEAD + PAYMENT + "\nend,1\n",
        HEAD + PAYMENT.replace("1299", "12.99") + "end,1\n",
        HEAD + PAYMENT.replace("1299", "-1") + "end,1\n",
        HEAD + PAYMENT.replace("1299", "٣") + "end,1\n",
        HEAD + PAYMENT.replace("C1", "") + "end,1\n",
        HEAD + PAYMENT.replace(",,", ",R1,") + "end,1\n",
        HEAD + REFUND.replace("R1", "") + "end,1\n",
        HEAD + REFUND.replace(",,", ",C1,") + "end,1\n",
        HEAD + PAYMENT.replace(",m,", ",") + "end,1\n",
        HEAD + PAYMENT.replace(",m,", ',"m",') + "end,1\n",
        HEAD + PAYMENT.replace("payment", "gift") + "end,1\n",
        HEAD + PAYMENT.replace("+00:00", "") + "end,1\n",
        HEAD + PAYMENT.replace("2026-01-01T", "2026-13-01T") + "end,1\n",
        HEAD + PAYMENT.replace("2026-01-01T00:00:00.5+00:00", "0001-01-01T00:00:00+23:00"),
        HEAD.encode() + b"\xff\n",
        HEAD + "x" * 10_000,
    ],
)
def test_a_statement_with_something_odd_is_unknown(text: str | bytes) -> None:
    with pytest.raises(OutcomeUnknown):
        read(text)


def test_what_comes_before_an_odd_line_is_still_read() -> None:
    lines = statement_from(iter([(HEAD + PAYMENT + "oops\n").encode()]))

    assert next(lines).payment_no == "P1"
    with pytest.raises(OutcomeUnknown, match="oops"):
        next(lines)


def a_long_one(count: int) -> Iterator[bytes]:
    yield HEAD.encode()
    for _ in range(count // 200):
        yield PAYMENT.encode() * 200
    yield f"end,{count}\n".encode()


def test_memory_stays_flat_however_long_it_is() -> None:
    peaks = []
    for count in (2_000, 40_000):
        tracemalloc.start()
        assert sum(1 for _ in statement_from(a_long_one(count))) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    assert peaks[1] - peaks[0] < 1_000_000  # its text alone is 3 MB; other threads allocate, too


def test_a_hundred_thousand_lines_are_read_in_seconds() -> None:
    started = time.process_time()

    assert sum(1 for _ in statement_from(a_long_one(100_000))) == 100_000

    assert time.process_time() - started < 5  # a twentieth of it on a quiet machine
