"""Callbacks: which are believed, and that the wallet sends them until they were taken."""

import base64
import datetime as dt
import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from payments.channels.base import (
    BadSignature,
    Callback,
    ChannelState,
    MalformedCallback,
    RefundReport,
    RefundState,
    Report,
)
from payments.channels.sandbox.channel import SandboxChannel
from payments.channels.sandbox.settings import MERCHANT, WEBHOOK_SECRET
from payments.channels.sandbox.signature import verified_event_id
from tests.payments.channels.receiver import Received, Receiver
from tests.payments.channels.wallet import Wallet, a_charge

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
OTHER_SECRET = "whsec_" + base64.b64encode(b"another secret").decode()
BODY = {
    "type": "payment.paid",
    "payment_no": "P1",
    "bill_no": "B1",
    "state": "paid",
    "amount": 1299,
    "currency": "EUR",
    "merchant": MERCHANT,
    "paid_at": "2026-03-01T11:59:59+00:00",
    "capture_no": "C1",
    "captures": [{"capture_no": "C1", "amount": 1299, "at": "2026-03-01T11:59:59+00:00"}],
}
REFUND = {
    "type": "refund.succeeded",
    "refund_no": "R1",
    "payment_no": "P1",
    "channel_no": "X1",
    "state": "succeeded",
    "amount": 500,
    "currency": "EUR",
    "refunded_at": "2026-03-01T12:00:00+00:00",
}


def a_channel(*secrets: str) -> SandboxChannel:
    return SandboxChannel(
        name="sandbox",
        base_url="http://127.0.0.1:9",
        merchant=MERCHANT,
        api_key="k",
        webhook_secret=secrets or WEBHOOK_SECRET,
    )


def signed(
    body: str | dict[str, object],
    *,
    secret: str = WEBHOOK_SECRET,
    at: dt.datetime = NOW,
    event_id: str = "evt_1",
) -> tuple[dict[str, str], bytes]:
    text = body if isinstance(body, str) else json.dumps(body)
    headers = {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(event_id, at, text),
    }
    return headers, text.encode()


def parse(
    headers: dict[str, str], body: bytes, *, channel: SandboxChannel | None = None
) -> Callback:
    return (channel or a_channel()).parse_callback(headers=headers, body=body, now=NOW)


def test_a_signed_callback_is_read() -> None:
    callback = parse(*signed(BODY))

    assert (callback.event_id, callback.ack.status) == ("evt_1", 200)
    assert isinstance(callback.report, Report)
    assert callback.report.state is ChannelState.PAID
    assert (callback.report.amount, callback.report.merchant) == (1299, MERCHANT)
    assert callback.report.raw == json.dumps(BODY)


def test_a_signed_callback_about_a_refund_is_read() -> None:
    callback = parse(*signed(REFUND))

    assert isinstance(callback.report, RefundReport)
    assert (callback.report.refund_no, callback.report.state) == ("R1", RefundState.SUCCEEDED)
    assert callback.report.refunded_at == NOW
    assert callback.report.raw == json.dumps(REFUND)


def test_the_reference_vector_of_the_scheme_is_authentic() -> None:
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    event_id = verified_event_id(
        secrets=[Webhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")],
        headers=headers,
        body=b'{"test": 2432232314}',
        now=dt.datetime.fromtimestamp(1614265330, dt.UTC),
    )

    assert event_id == headers["webhook-id"]


def test_any_one_of_several_signatures_is_enough() -> None:
    headers, body = signed(BODY)
    several = f"v1,AAAA {headers['webhook-signature']} v2,whatever"

    assert parse(headers | {"webhook-signature": several}, body).event_id == "evt_1"


def test_a_callback_about_something_else_is_authentic_and_empty() -> None:
    callback = parse(*signed({"type": "wallet.maintenance"}))

    assert callback.report is None


def test_both_secrets_count_while_they_are_exchanged() -> None:
    both = a_channel(OTHER_SECRET, WEBHOOK_SECRET)

    for secret in (OTHER_SECRET, WEBHOOK_SECRET):
        headers, body = signed(BODY, secret=secret)
        assert parse(headers, body, channel=both).event_id == "evt_1"


def test_a_forged_callback_is_refused() -> None:
    with pytest.raises(BadSignature):
        parse(*signed(BODY, secret=OTHER_SECRET))


def test_a_changed_body_is_refused() -> None:
    headers, body = signed(BODY)

    with pytest.raises(BadSignature):
        parse(headers, body.replace(b"1299", b"1298"))


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_or_changed_header_is_refused(name: str) -> None:
    headers, body = signed(BODY)

    for value in (None, "", "x", "1", "é", "v1,é", headers[name] + "1"):
        changed = {k: v for k, v in headers.items() if k != name}
        with pytest.raises(BadSignature):
            parse(changed if value is None else changed | {name: value}, body)


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_callback_from_another_time_is_refused(minutes: int) -> None:
    with pytest.raises(BadSignature):
        parse(*signed(BODY, at=NOW + dt.timedelta(minutes=minutes)))


@pytest.mark.parametrize("minutes", [-5, 5])
def test_a_callback_within_five_minutes_is_taken(minutes: int) -> None:
    assert parse(*signed(BODY, at=NOW + dt.timedelta(minutes=minutes))).report


def test_an_oversized_callback_is_refused_unread() -> None:
    with pytest.raises(BadSignature):
        parse(*signed(BODY | {"more": "x" * 70_000}))


@pytest.mark.parametrize(
    "body",
    ["", "[]", "{", '{"type": "payment.paid"}', '{"a": NaN}', "[" * 50_000]
    + [json.dumps(BODY | {"amount": wrong}) for wrong in (True, 1.0, "1", None, -1, 10**30)]
    + [json.dumps(BODY | {"state": wrong}) for wrong in ("PAID", "not_found", None, ["paid"])]
    + [json.dumps(BODY | {"payment_no": wrong}) for wrong in ("", "P\x00", "\ud800", 1)]
    + [json.dumps(BODY | {"capture_no": wrong}) for wrong in ("C2", None, 1, ["C1"])]
    + [json.dumps(BODY | {"captures": wrong}) for wrong in ([], [1], {}, "C1")]
    + [json.dumps(REFUND | {"state": wrong}) for wrong in ("paid", None)]
    + [json.dumps(REFUND | {"amount": 1.5}), json.dumps(REFUND | {"refunded_at": 1})]
    + [json.dumps(BODY | {"paid_at": None}), json.dumps(BODY)[:-1] + ', "amount": 1}'],
)
def test_a_signed_callback_that_can_not_be_read_is_malformed(body: str) -> None:
    with pytest.raises(MalformedCallback):
        parse(*signed(body))


@given(body=st.binary(max_size=300), values=st.lists(st.text(max_size=40), min_size=3, max_size=3))
def test_arbitrary_bytes_are_a_bad_signature(body: bytes, values: list[str]) -> None:
    headers = dict(
        zip(("webhook-id", "webhook-timestamp", "webhook-signature"), values, strict=True)
    )

    with pytest.raises(BadSignature):
        parse(headers, body)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(changes=st.dictionaries(st.sampled_from(sorted(BODY)), _json), cut=st.integers(0, 400))
def test_signed_oddities_are_read_or_malformed(changes: dict[str, object], cut: int) -> None:
    try:
        callback = parse(*signed(json.dumps(BODY | changes)[: cut or None]))
    except MalformedCallback:
        return
    assert callback.report is None or type(callback.report.amount) is int


def heard(received: Received, channel: SandboxChannel) -> Callback:
    now = dt.datetime.now(dt.UTC)
    return channel.parse_callback(headers=received.headers, body=received.body, now=now)


@pytest.mark.parametrize(
    ("deed", "state"),
    [("pay", "paid"), ("cancel", "cancelled"), ("decline", "failed"), ("close", "closed")],
)
def test_the_end_of_a_bill_is_told_with_a_signature(
    wallet: Wallet, shop: Receiver, payment_no: str, deed: str, state: str
) -> None:
    channel = wallet.channel()
    channel.create(a_charge(payment_no, notify_url=shop.url))
    if deed == "close":
        channel.close(payment_no=payment_no, channel_no="")
    else:
        wallet.call("POST", f"/shopper/{payment_no}/{deed}")

    report = heard(shop.wait_for(1)[0], channel).report

    assert isinstance(report, Report)
    assert (report.payment_no, report.state, report.amount) == (payment_no, state, 1299)


def test_an_expiry_is_told(
    wallet: Wallet, channel: SandboxChannel, shop: Receiver, payment_no: str
) -> None:
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=1)
    channel.create(a_charge(payment_no, notify_url=shop.url, expires_at=soon))

    report = heard(shop.wait_for(1)[0], channel).report

    assert isinstance(report, Report)
    assert report.state is ChannelState.CLOSED


def test_a_callback_is_sent_again_with_the_same_id_until_it_is_taken(
    wallet: Wallet, channel: SandboxChannel, shop: Receiver, payment_no: str
) -> None:
    shop.answers = [500, 302, 404]
    channel.create(a_charge(payment_no, notify_url=shop.url))
    wallet.pay(payment_no)

    received = shop.wait_for(4)
    time.sleep(0.3)

    assert len(shop.received) == 4
    assert len({heard(one, channel).event_id for one in received}) == 1
    assert len({one.body for one in received}) == 1


def test_a_callback_nobody_takes_is_given_up_and_the_bill_shows_it(
    wallet: Wallet, channel: SandboxChannel, shop: Receiver, payment_no: str
) -> None:
    shop.answers = [500] * 9
    bill_no = channel.create(a_charge(payment_no, notify_url=shop.url)).channel_no
    wallet.pay(payment_no)

    shop.wait_for(5)  # the first, and as many as the schedule has steps
    time.sleep(0.3)

    page = wallet.call("GET", f"/bills/{bill_no}").text
    assert (len(shop.received), page.count("HTTP 500"), "given up" in page) == (5, 5, True)


def test_a_pending_callback_survives_a_kill_of_the_wallet(tmp_path: Path, shop: Receiver) -> None:
    shop.answers = [500]
    with Wallet(tmp_path, retries="1,1", callback_timeout=1) as wallet:
        wallet.channel().create(a_charge("P1", notify_url=shop.url))
        wallet.pay("P1")
        first = shop.wait_for(1)[0]
        wallet.kill()
        wallet.start()

        second = shop.wait_for(2, timeout=10)[1]

    assert first.headers["webhook-id"] == second.headers["webhook-id"]
