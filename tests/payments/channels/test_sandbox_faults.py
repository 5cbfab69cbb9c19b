"""Each switch does the harm it promises, and no other."""

import datetime as dt
import time

import pytest
import requests

from payments.channels.base import (
    ChannelState,
    CloseOutcome,
    OutcomeUnknown,
    RefundReport,
    RefundState,
)
from payments.channels.sandbox.channel import SandboxChannel
from payments.channels.sandbox.settings import API_KEY
from tests.payments.channels.receiver import Receiver
from tests.payments.channels.wallet import Wallet, a_charge, eventually

ALWAYS = 1.0
AUTHORIZED = {"Authorization": f"Bearer {API_KEY}"}


@pytest.fixture
def hasty(wallet: Wallet) -> SandboxChannel:
    """The adapter with so little patience that a timeout costs a test no time."""
    return wallet.channel(timeout=0.5)


def call(channel: SandboxChannel, operation: str, payment_no: str) -> object:
    """One call of the adapter by its operation's name."""
    if operation == "create":
        return channel.create(a_charge(payment_no))
    if operation == "query":
        return channel.query(payment_no=payment_no, channel_no="")
    if operation == "close":
        return channel.close(payment_no=payment_no, channel_no="")
    if operation == "refund":
        return refund(channel, payment_no)
    if operation == "query_refund":
        return channel.query_refund(refund_no=payment_no, payment_no=payment_no)
    return list(channel.read_statement(channel.download_statement(dt.date(2020, 1, 1))))


def refund(channel: SandboxChannel, payment_no: str) -> RefundReport:
    return channel.refund(
        refund_no=payment_no,
        payment_no=payment_no,
        channel_no="",
        amount=500,
        currency="EUR",
        reason="",
    )


OPERATIONS = ["create", "query", "close", "refund", "query_refund", "statement"]


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(
    ("fault", "options"),
    [
        ("server_error", {"status": 502}),
        ("garbage", {"style": "html"}),
        ("garbage", {"style": "truncated"}),
        ("garbage", {"style": "nan"}),
        ("garbage", {"style": "list"}),
        ("timeout_before", {"seconds": 0.05}),
    ],
)
def test_no_operation_takes_a_broken_answer_for_one(
    wallet: Wallet, payment_no: str, operation: str, fault: str, options: dict[str, object]
) -> None:
    channel = wallet.channel()
    if operation != "create":
        channel.create(a_charge(payment_no))
    if operation.endswith("refund"):
        wallet.pay(payment_no)
    wallet.set_faults(**{fault: {"probability": 1, "operations": [operation]} | options})

    with pytest.raises(OutcomeUnknown):
        call(channel, operation, payment_no)

    wallet.clear_faults()
    assert call(channel, operation, payment_no) is not None


def test_a_fault_hits_only_the_operations_it_was_set_for(
    wallet: Wallet, channel: SandboxChannel, payment_no: str
) -> None:
    wallet.set_faults(server_error={"probability": 1, "operations": ["close", "refund"]})

    channel.create(a_charge(payment_no))
    channel.query(payment_no=payment_no, channel_no="")
    with pytest.raises(OutcomeUnknown):
        channel.close(payment_no=payment_no, channel_no="")


def test_timeout_before_leaves_nothing_behind(
    wallet: Wallet, hasty: SandboxChannel, payment_no: str
) -> None:
    wallet.set_faults(timeout_before=ALWAYS)

    with pytest.raises(OutcomeUnknown):
        hasty.create(a_charge(payment_no))

    assert payment_no not in wallet.ledger()


def test_create_then_timeout_leaves_a_bill_that_a_replay_finds(
    wallet: Wallet, hasty: SandboxChannel, payment_no: str
) -> None:
    wallet.set_faults(create_then_timeout={"probability": 1, "times": 1})
    charge = a_charge(payment_no)

    with pytest.raises(OutcomeUnknown):
        hasty.create(charge)

    bill = wallet.ledger()[payment_no]
    assert (bill["state"], wallet.channel().create(charge).channel_no) == (
        "pending",
        bill["bill_no"],
    )


def test_charge_then_timeout_takes_the_money_and_says_nothing(
    wallet: Wallet, hasty: SandboxChannel, shop: Receiver, payment_no: str
) -> None:
    wallet.set_faults(charge_then_timeout=ALWAYS, lose_callback=ALWAYS)

    with pytest.raises(OutcomeUnknown):
        hasty.create(a_charge(payment_no, notify_url=shop.url))

    assert wallet.ledger()[payment_no]["captured"] == 1299
    assert wallet.channel().query(payment_no=payment_no, channel_no="").state is ChannelState.PAID
    assert shop.received == []


def test_timeout_after_a_close_has_closed(
    wallet: Wallet, hasty: SandboxChannel, payment_no: str
) -> None:
    wallet.channel().create(a_charge(payment_no))
    wallet.set_faults(timeout_after={"probability": 1, "operations": ["close"]})

    with pytest.raises(OutcomeUnknown):
        hasty.close(payment_no=payment_no, channel_no="")

    assert wallet.channel().query(payment_no=payment_no, channel_no="").state is ChannelState.CLOSED


def test_timeout_after_a_refund_has_refunded_once(
    wallet: Wallet, hasty: SandboxChannel, payment_no: str
) -> None:
    wallet.channel().create(a_charge(payment_no))
    wallet.pay(payment_no)
    wallet.set_faults(timeout_after={"probability": 1, "times": 2})

    for _ in range(2):
        with pytest.raises(OutcomeUnknown):
            refund(hasty, payment_no)

    assert refund(wallet.channel(), payment_no).state is RefundState.SUCCEEDED
    assert wallet.ledger()[payment_no]["refunded"] == 500


def test_garbage_is_answered_after_the_deed(
    wallet: Wallet, channel: SandboxChannel, payment_no: str
) -> None:
    wallet.set_faults(garbage=ALWAYS)

    with pytest.raises(OutcomeUnknown):
        channel.create(a_charge(payment_no))

    assert wallet.ledger()[payment_no]["state"] == "pending"


def test_a_busy_close_closes_nothing(
    wallet: Wallet, channel: SandboxChannel, payment_no: str
) -> None:
    channel.create(a_charge(payment_no))
    wallet.set_faults(busy_close=ALWAYS)

    assert channel.close(payment_no=payment_no, channel_no="") is CloseOutcome.BUSY
    assert wallet.ledger()[payment_no]["state"] == "pending"


def test_a_young_bill_is_not_found_at_first(
    wallet: Wallet, channel: SandboxChannel, payment_no: str
) -> None:
    wallet.set_faults(not_found_for={"probability": 1, "seconds": 2})
    channel.create(a_charge(payment_no))
    wallet.pay(payment_no)

    assert channel.query(payment_no=payment_no, channel_no="").state is ChannelState.NOT_FOUND
    eventually(lambda: channel.query(payment_no=payment_no, channel_no="").state, ChannelState.PAID)


def test_a_paid_bill_is_pending_at_first(
    wallet: Wallet, channel: SandboxChannel, payment_no: str
) -> None:
    wallet.set_faults(pending_for={"probability": 1, "seconds": 2})
    channel.create(a_charge(payment_no))
    wallet.pay(payment_no)

    first = channel.query(payment_no=payment_no, channel_no="")
    assert (first.state, first.paid_at) == (ChannelState.PENDING, None)
    eventually(lambda: channel.query(payment_no=payment_no, channel_no="").state, ChannelState.PAID)


def test_a_wrong_amount_is_told_by_query_and_callback_alike(
    wallet: Wallet, channel: SandboxChannel, shop: Receiver, payment_no: str
) -> None:
    wallet.set_faults(wrong_amount={"probability": 1, "delta": -100})
    channel.create(a_charge(payment_no, notify_url=shop.url))
    wallet.pay(payment_no)

    received = shop.wait_for(1)[0]
    callback = channel.parse_callback(
        headers=received.headers, body=received.body, now=dt.datetime.now(dt.UTC)
    )
    assert callback.report is not None
    assert callback.report.amount == 1199
    assert channel.query(payment_no=payment_no, channel_no="").amount == 1199
    assert wallet.ledger()[payment_no]["captured"] == 1299


def test_a_wallet_that_is_down_answers_nothing_and_calls_nobody_until_it_is_up(
    wallet: Wallet, channel: SandboxChannel, shop: Receiver, payment_no: str
) -> None:
    channel.create(a_charge(payment_no, notify_url=shop.url))
    wallet.set_faults(down=ALWAYS)
    wallet.pay(payment_no)

    for operation in OPERATIONS:
        with pytest.raises(OutcomeUnknown):
            call(channel, operation, payment_no)
    time.sleep(0.3)
    assert shop.received == []

    wallet.clear_faults()
    shop.wait_for(1)


@pytest.mark.parametrize(("fault", "options"), [("down", {}), ("timeout_before", {"seconds": 0.1})])
def test_a_call_without_an_answer_gets_not_one_byte(
    wallet: Wallet, fault: str, options: dict[str, object]
) -> None:
    wallet.set_faults(**{fault: {"probability": 1} | options})

    with pytest.raises(requests.ConnectionError):
        requests.get(f"{wallet.url}/v1/bills/P", headers=AUTHORIZED, timeout=5)


def test_a_lost_callback_never_comes(
    wallet: Wallet, channel: SandboxChannel, shop: Receiver, payment_no: str
) -> None:
    wallet.set_faults(lose_callback=ALWAYS)
    bill_no = channel.create(a_charge(payment_no, notify_url=shop.url)).channel_no
    wallet.pay(payment_no)

    wallet.clear_faults()
    time.sleep(0.4)

    assert shop.received == []
    assert "A switch lost it" in wallet.call("GET", f"/bills/{bill_no}").text


def test_a_delayed_callback_comes_late(
    wallet: Wallet, channel: SandboxChannel, shop: Receiver, payment_no: str
) -> None:
    wallet.set_faults(delay_callback={"probability": 1, "seconds": 0.5})
    channel.create(a_charge(payment_no, notify_url=shop.url))
    wallet.pay(payment_no)
    paid_at = time.time()

    assert shop.wait_for(1)[0].at - paid_at > 0.4


def test_a_duplicated_callback_comes_several_times_at_once(
    wallet: Wallet, channel: SandboxChannel, shop: Receiver, payment_no: str
) -> None:
    wallet.set_faults(duplicate_callback={"probability": 1, "count": 5})
    channel.create(a_charge(payment_no, notify_url=shop.url))
    wallet.pay(payment_no)

    received = shop.wait_for(5)

    assert len({one.headers["webhook-id"] for one in received}) == 1
    assert received[-1].at - received[0].at < 2


def test_reordered_callbacks_come_in_pairs_the_wrong_way_round(
    wallet: Wallet, channel: SandboxChannel, shop: Receiver, payment_no: str
) -> None:
    wallet.set_faults(reorder_callbacks={"probability": 1, "seconds": 30})
    numbers = [f"{payment_no}-{turn}" for turn in range(2)]
    for number in numbers:
        channel.create(a_charge(number, notify_url=shop.url))
        wallet.pay(number)

    received = shop.wait_for(2)

    told = [number for one in received for number in numbers if number.encode() in one.body]
    assert told == numbers[::-1]


def test_a_held_callback_leaves_by_itself_when_no_other_comes(
    wallet: Wallet, channel: SandboxChannel, shop: Receiver, payment_no: str
) -> None:
    wallet.set_faults(reorder_callbacks={"probability": 1, "seconds": 0.3})
    channel.create(a_charge(payment_no, notify_url=shop.url))
    wallet.pay(payment_no)

    shop.wait_for(1)


def test_charge_then_timeout_charges_nothing_that_was_refused(
    wallet: Wallet, hasty: SandboxChannel, payment_no: str
) -> None:
    wallet.set_faults(charge_then_timeout=ALWAYS)

    with pytest.raises(OutcomeUnknown):
        hasty.create(a_charge(payment_no, amount=-1))

    assert payment_no not in wallet.ledger()
