"""Refunds: in parts, never too much, each with a state and an end of its own."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from payments.channels.base import DefiniteNo, RefundReport, RefundState
from payments.channels.sandbox.channel import SandboxChannel
from tests.payments.channels.receiver import Received, Receiver
from tests.payments.channels.wallet import Wallet, a_charge, eventually

ALWAYS = 1.0


def refund(channel: SandboxChannel, payment_no: str, refund_no: str, amount: int) -> RefundReport:
    return channel.refund(
        refund_no=refund_no,
        payment_no=payment_no,
        channel_no="",
        amount=amount,
        currency="EUR",
        reason="late",
    )


def test_refunds_in_parts_never_exceed_what_was_captured(
    wallet: Wallet, channel: SandboxChannel, payment_no: str
) -> None:
    channel.create(a_charge(payment_no))
    wallet.pay(payment_no)

    first = refund(channel, payment_no, f"{payment_no}-a", 1000)
    with pytest.raises(DefiniteNo, match="too_much"):
        refund(channel, payment_no, f"{payment_no}-b", 300)
    refund(channel, payment_no, f"{payment_no}-c", 299)

    assert first.state is RefundState.SUCCEEDED
    assert wallet.ledger()[payment_no]["refunded"] == 1299


def test_the_same_refund_at_once_is_made_once(
    wallet: Wallet, channel: SandboxChannel, payment_no: str
) -> None:
    channel.create(a_charge(payment_no))
    wallet.pay(payment_no)

    with ThreadPoolExecutor(10) as threads:
        jobs = [threads.submit(refund, channel, payment_no, payment_no, 500) for _ in range(10)]
        reports = {job.result() for job in jobs}

    assert len(reports) == 1
    assert wallet.ledger()[payment_no]["refunded"] == 500
    with pytest.raises(DefiniteNo, match="idempotency_conflict"):
        refund(channel, payment_no, payment_no, 400)


def test_an_unpaid_payment_can_not_be_refunded(channel: SandboxChannel, payment_no: str) -> None:
    channel.create(a_charge(payment_no))

    with pytest.raises(DefiniteNo, match="too_much"):
        refund(channel, payment_no, payment_no, 1)


def test_a_refund_can_be_asked_for(
    wallet: Wallet, channel: SandboxChannel, payment_no: str
) -> None:
    channel.create(a_charge(payment_no))
    wallet.pay(payment_no)
    made = refund(channel, payment_no, payment_no, 500)

    assert channel.query_refund(refund_no=payment_no, payment_no=payment_no) == made
    unknown = channel.query_refund(refund_no="nobody", payment_no=payment_no)
    assert unknown.state is RefundState.NOT_FOUND


@pytest.fixture
def paid_no(wallet: Wallet, channel: SandboxChannel, shop: Receiver, payment_no: str) -> str:
    """A paid payment whose callbacks come to `shop`; the first of them has come."""
    channel.create(a_charge(payment_no, notify_url=shop.url))
    wallet.pay(payment_no)
    shop.wait_for(1)
    return payment_no


def told(received: Received, channel: SandboxChannel) -> RefundReport:
    now = dt.datetime.now(dt.UTC)
    callback = channel.parse_callback(headers=received.headers, body=received.body, now=now)
    assert isinstance(callback.report, RefundReport)
    return callback.report


def state(channel: SandboxChannel, payment_no: str, refund_no: str) -> RefundState:
    return channel.query_refund(refund_no=refund_no, payment_no=payment_no).state


def test_a_refund_that_succeeds_at_once_is_told_the_same_on_every_path(
    channel: SandboxChannel, shop: Receiver, paid_no: str
) -> None:
    made = refund(channel, paid_no, paid_no, 500)

    news = told(shop.wait_for(2)[1], channel)
    asked = channel.query_refund(refund_no=paid_no, payment_no=paid_no)
    for report in (made, news, asked):
        assert (report.refund_no, report.payment_no, report.state) == (
            paid_no,
            paid_no,
            RefundState.SUCCEEDED,
        )
        assert (report.amount, report.currency) == (500, "EUR")
        assert (report.channel_no, report.refunded_at) == (made.channel_no, made.refunded_at)
    assert made.refunded_at is not None


def test_a_pending_refund_reserves_its_money_and_succeeds_later(
    wallet: Wallet, channel: SandboxChannel, shop: Receiver, paid_no: str
) -> None:
    wallet.set_faults(refund_pending_for={"probability": 1, "seconds": 1})

    made = refund(channel, paid_no, paid_no, 1000)
    with pytest.raises(DefiniteNo, match="too_much"):
        refund(channel, paid_no, f"{paid_no}-2", 300)

    bill = wallet.ledger()[paid_no]
    assert (made.state, made.refunded_at) == (RefundState.PENDING, None)
    assert (bill["refunded"], bill["refund_pending"]) == (0, 1000)
    assert told(shop.wait_for(2)[1], channel).state is RefundState.SUCCEEDED
    assert state(channel, paid_no, paid_no) is RefundState.SUCCEEDED
    bill = wallet.ledger()[paid_no]
    assert (bill["refunded"], bill["refund_pending"]) == (1000, 0)


def test_a_refund_that_fails_later_leaves_the_money_for_another(
    wallet: Wallet, channel: SandboxChannel, shop: Receiver, paid_no: str
) -> None:
    wallet.set_faults(refund_fails_later={"probability": 1, "seconds": 0.5, "times": 1})

    first = refund(channel, paid_no, f"{paid_no}-1", 1299)
    failed = told(shop.wait_for(2)[1], channel)
    second = refund(channel, paid_no, f"{paid_no}-2", 1299)

    assert (first.state, second.state) == (RefundState.PENDING, RefundState.SUCCEEDED)
    assert (failed.refund_no, failed.state, failed.refunded_at) == (
        f"{paid_no}-1",
        RefundState.FAILED,
        None,
    )
    bill = wallet.ledger()[paid_no]
    assert (bill["captured"], bill["refunded"], bill["refund_pending"]) == (1299, 1299, 0)
    assert [one["state"] for one in bill["refunds"]] == ["failed", "succeeded"]


def test_a_failed_refund_stays_failed_under_its_number(
    wallet: Wallet, channel: SandboxChannel, paid_no: str
) -> None:
    wallet.set_faults(refund_fails_later={"probability": 1, "seconds": 0})
    refund(channel, paid_no, paid_no, 500)
    wallet.clear_faults()

    assert refund(channel, paid_no, paid_no, 500).state is RefundState.FAILED
    assert wallet.ledger()[paid_no]["refunded"] == 0


def test_a_refused_refund_leaves_nothing_behind_and_may_be_tried_again(
    wallet: Wallet, channel: SandboxChannel, paid_no: str
) -> None:
    wallet.set_faults(refuse_refund={"probability": 1, "times": 1})

    with pytest.raises(DefiniteNo, match="insufficient_balance"):
        refund(channel, paid_no, paid_no, 500)

    assert state(channel, paid_no, paid_no) is RefundState.NOT_FOUND
    assert wallet.ledger()[paid_no]["refunds"] == []
    assert refund(channel, paid_no, paid_no, 500).state is RefundState.SUCCEEDED


def test_a_refund_that_was_made_is_never_refused_afterwards(
    wallet: Wallet, channel: SandboxChannel, paid_no: str
) -> None:
    made = refund(channel, paid_no, paid_no, 500)
    wallet.set_faults(refuse_refund=ALWAYS)

    assert refund(channel, paid_no, paid_no, 500) == made


def test_a_pending_refund_ends_though_the_wallet_was_killed(tmp_path: Path) -> None:
    with Wallet(tmp_path) as wallet:
        channel = wallet.channel()
        channel.create(a_charge("P1"))
        wallet.pay("P1")
        wallet.set_faults(refund_pending_for={"probability": 1, "seconds": 1})
        refund(channel, "P1", "R1", 500)
        wallet.kill()
        wallet.start()

        eventually(lambda: state(channel, "P1", "R1"), RefundState.SUCCEEDED)


def test_news_of_a_refund_is_sent_again_until_it_is_taken(
    channel: SandboxChannel, shop: Receiver, paid_no: str
) -> None:
    shop.answers = [500, 500]

    refund(channel, paid_no, paid_no, 500)

    received = shop.wait_for(4)[1:]
    assert len({one.headers["webhook-id"] for one in received}) == 1


def test_the_switches_for_callbacks_hold_for_refunds_too(
    wallet: Wallet, channel: SandboxChannel, shop: Receiver, paid_no: str
) -> None:
    wallet.set_faults(lose_callback=ALWAYS)
    refund(channel, paid_no, f"{paid_no}-lost", 100)
    wallet.set_faults(duplicate_callback={"probability": 1, "count": 3})
    refund(channel, paid_no, f"{paid_no}-often", 100)

    received = shop.wait_for(4)[1:]

    assert {told(one, channel).refund_no for one in received} == {f"{paid_no}-often"}
