"""The wallet's daily statement: true and whole, unless a switch has changed it."""

import datetime as dt
import sqlite3
import time
from pathlib import Path

import pytest

from payments.channels.base import NotExecuted, StatementLine
from payments.channels.sandbox.channel import SandboxChannel
from payments.channels.sandbox.settings import MERCHANT
from tests.payments.channels.wallet import Wallet, a_charge

ALWAYS = 1.0
SETTLED = {"probability": 1, "seconds": 0}


def statement(channel: SandboxChannel, day: dt.date | None = None) -> list[StatementLine]:
    """A day's statement, by default that of today."""
    day = day or dt.datetime.now(dt.UTC).date()
    return list(channel.read_statement(channel.download_statement(day)))


def refund(channel: SandboxChannel, payment_no: str, refund_no: str, amount: int) -> None:
    channel.refund(
        refund_no=refund_no,
        payment_no=payment_no,
        channel_no="",
        amount=amount,
        currency="EUR",
        reason="",
    )


@pytest.fixture
def paid(wallet: Wallet, channel: SandboxChannel, payment_no: str) -> list[str]:
    """Three paid payments of today, in the order in which they were paid."""
    numbers = [f"{payment_no}-{turn}" for turn in range(3)]
    for number in numbers:
        channel.create(a_charge(number))
        wallet.pay(number)
    return numbers


def test_the_statement_lists_what_moved_that_day(
    wallet: Wallet, channel: SandboxChannel, payment_no: str
) -> None:
    channel.create(a_charge(payment_no))
    channel.create(a_charge(f"{payment_no}-unpaid"))
    wallet.pay(payment_no)
    refund(channel, payment_no, f"{payment_no}-r", 500)

    lines = [line for line in statement(channel) if payment_no in line.payment_no]

    assert [(line.kind, line.refund_no, line.amount) for line in lines] == [
        ("payment", "", 1299),
        ("refund", f"{payment_no}-r", 500),
    ]
    assert {(line.currency, line.merchant) for line in lines} == {("EUR", MERCHANT)}


def test_a_day_without_business_has_an_empty_statement(channel: SandboxChannel) -> None:
    assert statement(channel, dt.date(2020, 2, 29)) == []


def test_the_statement_of_a_day_that_is_not_over_is_not_ready(tmp_path: Path) -> None:
    with Wallet(tmp_path, early_statements=0) as wallet, pytest.raises(NotExecuted):
        statement(wallet.channel())


def test_only_refunds_that_succeeded_are_listed(
    wallet: Wallet, channel: SandboxChannel, paid: list[str]
) -> None:
    refund(channel, paid[0], f"{paid[0]}-r", 1)
    wallet.set_faults(refund_fails_later=SETTLED)
    refund(channel, paid[1], f"{paid[1]}-r", 1)
    wallet.set_faults(refund_pending_for={"probability": 1, "seconds": 60})
    refund(channel, paid[2], f"{paid[2]}-r", 1)

    listed = {line.refund_no for line in statement(channel)}

    assert listed & {f"{number}-r" for number in paid} == {f"{paid[0]}-r"}


def test_the_days_first_lines_may_be_missing(
    wallet: Wallet, channel: SandboxChannel, paid: list[str]
) -> None:
    whole = statement(channel)
    wallet.set_faults(statement_missing_line={"probability": 1, "lines": 2})

    assert statement(channel) == statement(channel) == whole[2:]


def test_one_payments_line_may_be_missing(
    wallet: Wallet, channel: SandboxChannel, paid: list[str]
) -> None:
    whole = statement(channel)
    wallet.set_faults(payment_no=paid[1], statement_missing_line=ALWAYS)

    assert statement(channel) == [line for line in whole if line.payment_no != paid[1]]
    wallet.set_faults(payment_no=paid[1])


def test_a_payment_may_be_spared(wallet: Wallet, channel: SandboxChannel, paid: list[str]) -> None:
    whole = statement(channel)
    wallet.set_faults(statement_missing_line={"probability": 1, "lines": 1000})
    wallet.set_faults(payment_no=paid[1], statement_missing_line=0)

    assert statement(channel) == [line for line in whole if line.payment_no == paid[1]]
    wallet.set_faults(payment_no=paid[1])


def test_a_switch_may_be_for_one_day(
    wallet: Wallet, channel: SandboxChannel, paid: list[str]
) -> None:
    yesterday = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    wallet.set_faults(payment_no=yesterday.isoformat(), statement_extra_line=ALWAYS)

    assert len(statement(channel, yesterday)) == 1
    assert {line.payment_no for line in statement(channel)} >= set(paid)


def test_lines_of_payments_that_nobody_made_look_like_true_ones(
    wallet: Wallet, channel: SandboxChannel, paid: list[str]
) -> None:
    whole = statement(channel)
    wallet.set_faults(statement_extra_line={"probability": 1, "lines": 3})

    lines = statement(channel)

    assert (lines[:-3], statement(channel)) == (whole, lines)
    invented = lines[-3:]
    assert len({line.payment_no for line in invented}) == 3
    assert not {line.payment_no for line in invented} & set(wallet.ledger())
    assert {(line.kind, line.currency, line.merchant) for line in invented} == {
        ("payment", "EUR", MERCHANT)
    }
    assert all(line.capture_no and line.amount > 0 for line in invented)


def test_the_first_lines_amount_may_be_wrong(
    wallet: Wallet, channel: SandboxChannel, paid: list[str]
) -> None:
    whole = statement(channel)
    wallet.set_faults(statement_wrong_amount={"probability": 1, "delta": 7})

    first, *others = statement(channel)

    assert (first.payment_no, first.amount) == (whole[0].payment_no, whole[0].amount + 7)
    assert others == whole[1:]


def test_one_payments_amount_may_be_wrong(
    wallet: Wallet, channel: SandboxChannel, paid: list[str]
) -> None:
    wallet.set_faults(payment_no=paid[2], statement_wrong_amount={"probability": 1, "delta": -99})

    amounts = {line.payment_no: line.amount for line in statement(channel)}

    assert [amounts[number] for number in paid] == [1299, 1299, 1200]
    wallet.set_faults(payment_no=paid[2])


def test_a_late_statement_is_not_ready_until_its_time(
    wallet: Wallet, channel: SandboxChannel
) -> None:
    yesterday = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    statement(channel, yesterday)
    wallet.set_faults(statement_late={"probability": 1, "seconds": 2 * 86_400})

    with pytest.raises(NotExecuted):
        statement(channel, yesterday)
    statement(channel, yesterday - dt.timedelta(days=5))


def test_a_statement_shows_one_moment_though_money_moves_while_it_is_read(
    wallet: Wallet, channel: SandboxChannel, paid: list[str]
) -> None:
    day = dt.datetime.now(dt.UTC).date()
    pieces = channel.download_statement(day)
    first = next(pieces)
    wallet.charge_again(paid[0])

    lines = list(channel.read_statement(iter([first, *pieces])))

    assert len([line for line in lines if line.payment_no == paid[0]]) == 1


def test_a_long_statement_comes_in_pieces_and_whole(tmp_path: Path) -> None:
    with Wallet(tmp_path) as wallet:
        wallet.channel().create(a_charge("P1"))
        _fill(tmp_path / "wallet.sqlite3", 20_000)

        started = time.monotonic()
        lines = statement(wallet.channel(), dt.date(2026, 1, 1))

    assert len({line.capture_no for line in lines}) == 20_000
    assert time.monotonic() - started < 10


def _fill(file: Path, count: int) -> None:
    at = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC).timestamp()
    db = sqlite3.connect(file)
    with db:
        db.executemany(
            "INSERT INTO captures (capture_no, bill_id, amount, at) VALUES (?, 1, 1299, ?)",
            [(f"C{turn}", at + turn / 1000) for turn in range(count)],
        )
    db.close()
