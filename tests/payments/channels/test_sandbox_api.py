"""The wallet's API as the adapter meets it, without any fault."""

import datetime as dt
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from payments.channels.base import (
    ChannelState,
    CloseOutcome,
    DefiniteNo,
    NotExecuted,
)
from payments.channels.sandbox.channel import SandboxChannel
from payments.channels.sandbox.settings import API_KEY, MERCHANT
from tests.payments.channels.wallet import Wallet, a_charge


def test_a_new_payment_is_pending_and_has_a_page_to_pay_at(
    wallet: Wallet, channel: SandboxChannel, payment_no: str
) -> None:
    created = channel.create(a_charge(payment_no))

    report = channel.query(payment_no=payment_no, channel_no="")
    assert (report.state, report.amount, report.currency) == (ChannelState.PENDING, 1299, "EUR")
    assert report.channel_no == created.channel_no
    assert created.action.kind == "redirect"
    assert requests.get(created.action.url, timeout=5).status_code == 200


def test_a_paid_payment_tells_amount_merchant_and_time(
    wallet: Wallet, channel: SandboxChannel, payment_no: str
) -> None:
    channel.create(a_charge(payment_no))
    wallet.pay(payment_no)

    report = channel.query(payment_no=payment_no, channel_no="")

    assert (report.state, report.amount, report.merchant) == (ChannelState.PAID, 1299, MERCHANT)
    assert report.paid_at is not None
    assert abs(report.paid_at - dt.datetime.now(dt.UTC)) < dt.timedelta(seconds=5)


def test_cancelled_and_declined_are_told_apart(
    wallet: Wallet, channel: SandboxChannel, payment_no: str
) -> None:
    other_no = f"{payment_no}-2"
    channel.create(a_charge(payment_no))
    channel.create(a_charge(other_no))
    wallet.cancel(payment_no)
    wallet.decline(other_no)

    assert channel.query(payment_no=payment_no, channel_no="").state is ChannelState.CANCELLED
    assert channel.query(payment_no=other_no, channel_no="").state is ChannelState.FAILED


def test_an_unknown_payment_is_not_found(channel: SandboxChannel, payment_no: str) -> None:
    report = channel.query(payment_no=payment_no, channel_no="")

    assert report.state is ChannelState.NOT_FOUND


def test_the_same_key_gives_the_same_bill_also_at_once(
    wallet: Wallet, channel: SandboxChannel, payment_no: str
) -> None:
    charge = a_charge(payment_no)

    with ThreadPoolExecutor(20) as threads:
        created = list(threads.map(channel.create, [charge] * 20))

    assert {one.channel_no for one in created} == {wallet.ledger()[payment_no]["bill_no"]}


def test_the_same_key_with_another_amount_is_refused(
    wallet: Wallet, channel: SandboxChannel, payment_no: str
) -> None:
    charge = a_charge(payment_no)
    channel.create(charge)

    with pytest.raises(DefiniteNo, match="idempotency_conflict"):
        channel.create(replace(charge, amount=1))

    assert wallet.ledger()[payment_no]["amount"] == 1299


def test_a_payment_no_can_not_be_taken_twice(channel: SandboxChannel, payment_no: str) -> None:
    channel.create(a_charge(payment_no))

    with pytest.raises(DefiniteNo, match="payment_no_taken"):
        channel.create(a_charge(payment_no, idempotency_key="another"))


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": 0},
        {"amount": 1.5},
        {"amount": True},
        {"currency": "eur"},
        {"return_url": "javascript:alert(1)"},
        {"notify_url": "http:///nowhere"},
        {"payment_no": "a b"},
        {"expires_at": dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)},
        {"expires_at": dt.datetime.max.replace(tzinfo=dt.timezone(-dt.timedelta(hours=23)))},
        {"subject": "x" * 201},
    ],
)
def test_a_charge_that_makes_no_sense_is_refused(
    channel: SandboxChannel, payment_no: str, changes: dict[str, object]
) -> None:
    with pytest.raises(DefiniteNo):
        channel.create(replace(a_charge(payment_no), **changes))


def test_a_wrong_key_is_refused(wallet: Wallet, payment_no: str) -> None:
    with pytest.raises(DefiniteNo, match="unauthorized"):
        wallet.channel(api_key="wrong").query(payment_no=payment_no, channel_no="")


def test_an_expired_payment_is_closed_and_can_not_be_paid(
    wallet: Wallet, channel: SandboxChannel, payment_no: str
) -> None:
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=1)
    channel.create(a_charge(payment_no, expires_at=soon))
    time.sleep(1)

    assert channel.query(payment_no=payment_no, channel_no="").state is ChannelState.CLOSED
    with pytest.raises(requests.HTTPError, match="409"):
        wallet.pay(payment_no)
    assert wallet.ledger()[payment_no]["captured"] == 0


def test_a_closed_payment_stays_closed_and_can_not_be_paid(
    wallet: Wallet, channel: SandboxChannel, payment_no: str
) -> None:
    channel.create(a_charge(payment_no))

    outcomes = [channel.close(payment_no=payment_no, channel_no="") for _ in range(2)]

    assert outcomes == [CloseOutcome.CLOSED, CloseOutcome.CLOSED]
    with pytest.raises(requests.HTTPError, match="409"):
        wallet.pay(payment_no)
    assert channel.query(payment_no=payment_no, channel_no="").state is ChannelState.CLOSED


def test_closing_says_what_stands_in_the_way(
    wallet: Wallet, channel: SandboxChannel, payment_no: str
) -> None:
    channel.create(a_charge(payment_no))
    wallet.pay(payment_no)

    assert channel.close(payment_no=payment_no, channel_no="") is CloseOutcome.ALREADY_PAID
    assert channel.close(payment_no="nobody", channel_no="") is CloseOutcome.NOT_FOUND


def test_close_against_pay_has_one_winner(
    wallet: Wallet, channel: SandboxChannel, payment_no: str
) -> None:
    winners = Counter(_race(wallet, channel, f"{payment_no}-{turn}") for turn in range(80))

    assert set(winners) == {"paid", "closed"}  # else it was no race


def _race(wallet: Wallet, channel: SandboxChannel, payment_no: str) -> str:
    """Two taps on pay and a close at once; the winner, after a look at the ledger."""
    channel.create(a_charge(payment_no))
    start = threading.Barrier(3)

    def pay() -> int:
        start.wait()
        return requests.post(f"{wallet.url}/shopper/{payment_no}/pay", timeout=5).status_code

    def close() -> CloseOutcome:
        start.wait()
        return channel.close(payment_no=payment_no, channel_no="")

    with ThreadPoolExecutor(3) as threads:
        taps, closing = [threads.submit(pay) for _ in range(2)], threads.submit(close)
    bill = wallet.ledger()[payment_no]
    if closing.result() is CloseOutcome.CLOSED:
        assert ([tap.result() for tap in taps], bill["state"]) == ([409, 409], "closed")
        assert bill["captures"] == []
    else:
        assert ([tap.result() for tap in taps], bill["state"]) == ([200, 200], "paid")
        assert [capture["amount"] for capture in bill["captures"]] == [1299]
    return str(bill["state"])


def test_too_many_queries_in_a_second_are_put_off(tmp_path: Path) -> None:
    with Wallet(tmp_path, query_limit=3) as wallet:
        channel = wallet.channel()
        waits = []
        for _ in range(8):  # two seconds' worth and more, should the clock tick
            try:
                channel.query(payment_no="P", channel_no="")
            except NotExecuted as exc:
                waits.append(exc.retry_after)

    assert set(waits) == {1}


def test_the_ledger_survives_a_kill(tmp_path: Path) -> None:
    with Wallet(tmp_path) as wallet:
        channel = wallet.channel()
        channel.create(a_charge("P1"))
        wallet.pay("P1")
        wallet.kill()
        wallet.start()

        assert wallet.ledger()["P1"]["captured"] == 1299
        assert channel.query(payment_no="P1", channel_no="").state is ChannelState.PAID


def test_a_stopped_wallet_executes_nothing(tmp_path: Path) -> None:
    with Wallet(tmp_path) as wallet:
        channel = wallet.channel()

    with pytest.raises(NotExecuted):
        channel.create(a_charge("P1"))


@pytest.mark.parametrize(
    "request_headers",
    [{}, {"Authorization": "Basic x"}, {"Authorization": "Bearer"}, {"Authorization": "Bearer é"}],
)
def test_without_the_key_nothing_is_told(wallet: Wallet, request_headers: dict[str, str]) -> None:
    headers = {name: value.encode() for name, value in request_headers.items()}
    answer = requests.get(f"{wallet.url}/v1/bills/P", headers=headers, timeout=5)

    assert (answer.status_code, answer.json()["error"]) == (401, "unauthorized")


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"[" * 50_000, b'{"amount": NaN}'])
def test_a_body_that_is_no_request_is_refused(wallet: Wallet, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {API_KEY}", "Idempotency-Key": "k"}

    answer = requests.post(f"{wallet.url}/v1/bills", data=body, headers=headers, timeout=5)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid")


def test_a_body_that_never_ends_is_refused(wallet: Wallet) -> None:
    headers = {"Authorization": f"Bearer {API_KEY}"}

    answer = requests.post(
        f"{wallet.url}/v1/refunds", data=b" " * 100_000, headers=headers, timeout=5
    )

    assert answer.status_code == 413
