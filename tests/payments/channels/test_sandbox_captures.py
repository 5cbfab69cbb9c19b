"""Money that is taken late or twice: each capture has a number, the same on every path."""

import datetime as dt
import time
from pathlib import Path

import pytest
import requests

from payments.channels.base import ChannelState, CloseOutcome, Report
from payments.channels.sandbox.channel import SandboxChannel
from tests.payments.channels.receiver import Receiver
from tests.payments.channels.wallet import Wallet, a_charge, eventually

ALWAYS = 1.0


def told(shop: Receiver, channel: SandboxChannel, count: int) -> list[Report]:
    """What the first `count` callbacks say."""
    now = dt.datetime.now(dt.UTC)
    callbacks = [
        channel.parse_callback(headers=one.headers, body=one.body, now=now)
        for one in shop.wait_for(count)
    ]
    assert len({callback.event_id for callback in callbacks}) == count
    reports = [callback.report for callback in callbacks if isinstance(callback.report, Report)]
    return sorted(reports, key=lambda report: (report.state != "closed", report.further != ()))


def query(channel: SandboxChannel, payment_no: str) -> Report:
    return channel.query(payment_no=payment_no, channel_no="")


def captures(wallet: Wallet, payment_no: str) -> list[str]:
    return [one["capture_no"] for one in wallet.ledger()[payment_no]["captures"]]


def test_a_capture_has_one_number_in_query_callback_and_statement(
    wallet: Wallet, channel: SandboxChannel, shop: Receiver, payment_no: str
) -> None:
    channel.create(a_charge(payment_no, notify_url=shop.url))
    wallet.pay(payment_no)

    (number,) = captures(wallet, payment_no)
    (callback,) = told(shop, channel, 1)
    asked = query(channel, payment_no)
    day = dt.datetime.now(dt.UTC).date()
    lines = channel.read_statement(channel.download_statement(day))
    assert [line.capture_no for line in lines if line.payment_no == payment_no] == [number]
    assert (callback.capture_no, callback.further) == (number, ())
    assert (asked.capture_no, asked.further) == (number, ())
    assert asked.paid_at == callback.paid_at


def test_a_bill_without_money_has_no_capture_to_tell_of(
    wallet: Wallet, channel: SandboxChannel, shop: Receiver, payment_no: str
) -> None:
    channel.create(a_charge(payment_no, notify_url=shop.url))

    pending = query(channel, payment_no)
    wallet.cancel(payment_no)

    assert (pending.capture_no, told(shop, channel, 1)[0].capture_no) == ("", "")


def test_a_wrong_amount_is_wrong_for_the_first_capture_only_and_not_in_the_statement(
    wallet: Wallet, channel: SandboxChannel, shop: Receiver, payment_no: str
) -> None:
    wallet.set_faults(
        wrong_amount={"probability": 1, "delta": -100}, double_charge={"probability": 1}
    )
    channel.create(a_charge(payment_no, notify_url=shop.url))
    wallet.pay(payment_no)

    first, second = told(shop, channel, 2)
    asked = query(channel, payment_no)
    day = dt.datetime.now(dt.UTC).date()
    lines = channel.read_statement(channel.download_statement(day))
    assert (first.amount, second.amount, second.further[0].amount) == (1199, 1299, 1199)
    assert (asked.amount, asked.further[0].amount) == (1199, 1299)
    assert [line.amount for line in lines if line.payment_no == payment_no] == [1299, 1299]


def test_a_double_charge_has_two_numbers_and_two_callbacks(
    wallet: Wallet, channel: SandboxChannel, shop: Receiver, payment_no: str
) -> None:
    wallet.set_faults(double_charge=ALWAYS)
    channel.create(a_charge(payment_no, notify_url=shop.url))
    wallet.pay(payment_no)

    numbers = captures(wallet, payment_no)
    first, second = told(shop, channel, 2)
    asked = query(channel, payment_no)
    assert len(set(numbers)) == 2
    assert wallet.ledger()[payment_no]["captured"] == 2 * 1299
    assert (first.capture_no, first.further) == (numbers[0], ())
    assert (second.capture_no, [one.capture_no for one in second.further]) == (
        numbers[1],
        [numbers[0]],
    )
    assert (asked.capture_no, [one.capture_no for one in asked.further]) == (
        numbers[0],
        [numbers[1]],
    )
    assert [(one.amount, one.currency) for one in asked.further] == [(1299, "EUR")]
    assert (first.amount, second.amount, asked.amount) == (1299, 1299, 1299)


def test_the_second_charge_may_come_later(
    wallet: Wallet, channel: SandboxChannel, shop: Receiver, payment_no: str
) -> None:
    wallet.set_faults(double_charge={"probability": 1, "seconds": 0.5})
    channel.create(a_charge(payment_no, notify_url=shop.url))
    wallet.pay(payment_no)
    paid_at = query(channel, payment_no).paid_at

    assert len(captures(wallet, payment_no)) == 1
    first, second = told(shop, channel, 2)
    assert first.paid_at is not None
    assert second.paid_at is not None
    assert second.paid_at - first.paid_at >= dt.timedelta(seconds=0.5)
    assert query(channel, payment_no).paid_at == paid_at


def test_a_double_charge_can_be_refunded_whole(
    wallet: Wallet, channel: SandboxChannel, payment_no: str
) -> None:
    wallet.set_faults(double_charge=ALWAYS)
    channel.create(a_charge(payment_no))
    wallet.pay(payment_no)

    for turn in range(2):
        channel.refund(
            refund_no=f"{payment_no}-{turn}",
            payment_no=payment_no,
            channel_no="",
            amount=1299,
            currency="EUR",
            reason="",
        )

    assert wallet.ledger()[payment_no]["refunded"] == 2 * 1299


@pytest.mark.parametrize("end", ["close", "cancel", "expiry"])
def test_money_comes_late_after_a_bill_was_closed(
    wallet: Wallet, channel: SandboxChannel, shop: Receiver, payment_no: str, end: str
) -> None:
    wallet.set_faults(late_success={"probability": 1, "seconds": 0.5})
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=1 if end == "expiry" else 3600)
    channel.create(a_charge(payment_no, notify_url=shop.url, expires_at=soon))
    if end == "close":
        assert channel.close(payment_no=payment_no, channel_no="") is CloseOutcome.CLOSED
    elif end == "cancel":
        wallet.cancel(payment_no)

    told_first, told_late = sorted(told(shop, channel, 2), key=lambda one: one.state == "paid")

    assert told_first.state in (ChannelState.CLOSED, ChannelState.CANCELLED)
    assert (told_late.state, told_late.amount) == (ChannelState.PAID, 1299)
    assert query(channel, payment_no).capture_no == told_late.capture_no
    assert wallet.ledger()[payment_no]["captured"] == 1299
    assert channel.close(payment_no=payment_no, channel_no="") is CloseOutcome.ALREADY_PAID


def test_a_declined_payment_never_succeeds_late(
    wallet: Wallet, channel: SandboxChannel, payment_no: str
) -> None:
    wallet.set_faults(late_success={"probability": 1, "seconds": 0})
    channel.create(a_charge(payment_no))
    wallet.decline(payment_no)
    time.sleep(0.3)

    assert query(channel, payment_no).state is ChannelState.FAILED


@pytest.mark.parametrize(
    ("switch", "deed", "sums"),
    [("late_success", "cancel", (0, 1299)), ("double_charge", "pay", (1299, 2598))],
)
def test_planned_money_comes_though_the_wallet_was_killed(
    tmp_path: Path, switch: str, deed: str, sums: tuple[int, int]
) -> None:
    with Wallet(tmp_path) as wallet:
        wallet.set_faults(**{switch: {"probability": 1, "seconds": 1}})
        wallet.channel().create(a_charge("P1"))
        wallet.call("POST", f"/shopper/P1/{deed}")
        assert wallet.ledger()["P1"]["captured"] == sums[0]
        wallet.kill()
        wallet.start()

        eventually(lambda: wallet.ledger()["P1"]["captured"], sums[1])
        time.sleep(0.3)

        assert wallet.ledger()["P1"]["captured"] == sums[1]


def test_a_deed_takes_the_money_of_a_closed_bill_at_once(
    wallet: Wallet, channel: SandboxChannel, shop: Receiver, payment_no: str
) -> None:
    wallet.set_faults(late_success={"probability": 1, "seconds": 1})
    channel.create(a_charge(payment_no, notify_url=shop.url))
    channel.close(payment_no=payment_no, channel_no="")

    wallet.pay_late(payment_no)
    time.sleep(1.2)

    assert {one.state for one in told(shop, channel, 2)} == {"closed", "paid"}
    assert wallet.ledger()[payment_no]["captured"] == 1299  # the deed was instead of the plan
    assert len(shop.received) == 2


def test_a_deed_charges_a_paid_bill_again_and_again(
    wallet: Wallet, channel: SandboxChannel, shop: Receiver, payment_no: str
) -> None:
    channel.create(a_charge(payment_no, notify_url=shop.url))
    wallet.pay(payment_no)
    for _ in range(2):
        wallet.charge_again(payment_no)

    reports = told(shop, channel, 3)

    assert {one.capture_no for one in reports} == set(captures(wallet, payment_no))
    assert len(query(channel, payment_no).further) == 2


def test_the_deeds_are_refused_where_they_make_no_sense(
    wallet: Wallet, channel: SandboxChannel, payment_no: str
) -> None:
    channel.create(a_charge(payment_no))

    for deed in (wallet.pay_late, wallet.charge_again):
        with pytest.raises(requests.HTTPError, match="409"):
            deed(payment_no)
    wallet.pay(payment_no)
    with pytest.raises(requests.HTTPError, match="409"):
        wallet.pay_late(payment_no)

    assert wallet.ledger()[payment_no]["captured"] == 1299


def test_a_paid_bill_that_is_said_to_be_pending_hides_its_captures(
    wallet: Wallet, channel: SandboxChannel, payment_no: str
) -> None:
    wallet.set_faults(pending_for={"probability": 1, "seconds": 60}, double_charge=ALWAYS)
    channel.create(a_charge(payment_no))
    wallet.pay(payment_no)

    report = query(channel, payment_no)

    assert (report.state, report.capture_no, report.further) == (ChannelState.PENDING, "", ())
    assert captures(wallet, payment_no)[0] not in report.raw
