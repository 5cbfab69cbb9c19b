"""Answers that aren't what the wallet's API promises are never believed."""

import json
from typing import Any

import pytest

from payments.channels.base import OutcomeUnknown
from payments.channels.sandbox.channel import SandboxChannel
from payments.channels.sandbox.settings import WEBHOOK_SECRET
from tests.payments.channels.peer import answer, peer, saying
from tests.payments.channels.wallet import a_charge

PAID: dict[str, Any] = {
    "bill_no": "B1",
    "payment_no": "P1",
    "merchant": "m",
    "state": "paid",
    "amount": 1299,
    "currency": "EUR",
    "paid_at": "2026-01-01T00:00:00+00:00",
    "capture_no": "C1",
    "captures": [{"capture_no": "C1", "amount": 1299, "at": "2026-01-01T00:00:00+00:00"}],
    "pay_url": "http://127.0.0.1/pay/B1",
}


def at(url: str) -> SandboxChannel:
    return SandboxChannel(
        name="s", base_url=url, merchant="m", api_key="k", webhook_secret=WEBHOOK_SECRET, timeout=1
    )


def ok(shape: object) -> bytes:
    return answer("200 OK", json.dumps(shape).encode())


def test_a_full_answer_is_believed() -> None:
    with peer(saying(ok(PAID))) as url:
        report = at(url).query(payment_no="P1", channel_no="")

    assert (report.state, report.amount, report.raw) == ("paid", 1299, json.dumps(PAID))
    assert (report.capture_no, report.further) == ("C1", ())


@pytest.mark.parametrize(
    "missing",
    ["amount", "currency", "merchant", "paid_at", "state", "bill_no", "capture_no", "captures"],
)
def test_a_paid_answer_that_lacks_something_is_unknown(missing: str) -> None:
    shape = {name: value for name, value in PAID.items() if name != missing}

    with peer(saying(ok(shape))) as url, pytest.raises(OutcomeUnknown):
        at(url).query(payment_no="P1", channel_no="")


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": True},
        {"amount": 1299.0},
        {"amount": "1299"},
        {"amount": -1},
        {"amount": 2**63},
        {"amount": float("nan")},
        {"amount": None},
        {"currency": "eur"},
        {"currency": ["EUR"]},
        {"state": "not_found"},
        {"state": "PAID"},
        {"state": ["paid"]},
        {"state": None},
        {"merchant": ""},
        {"bill_no": "B\x00"},
        {"paid_at": "2026-01-01T00:00:00"},
        {"paid_at": 1},
        {"paid_at": "0001-01-01T00:00:00+23:59"},
        {"payment_no": "P2"},
        {"capture_no": "C2"},
        {"capture_no": None},
        {"captures": []},
        {"captures": {}},
        {"captures": ["C1"]},
        {"captures": PAID["captures"] * 2},
        {"captures": [PAID["captures"][0] | {"amount": 1}]},
        {"captures": [PAID["captures"][0] | {"at": None}]},
        {"captures": [PAID["captures"][0], {"capture_no": "C2"}]},
    ],
)
def test_a_paid_answer_with_something_odd_is_unknown(changes: dict[str, Any]) -> None:
    with peer(saying(ok(PAID | changes))) as url, pytest.raises(OutcomeUnknown):
        at(url).query(payment_no="P1", channel_no="")


def test_a_paid_answer_that_numbers_no_captures_at_all_is_believed() -> None:
    shape = {name: value for name, value in PAID.items() if not name.startswith("capture")}

    with peer(saying(ok(shape))) as url:
        report = at(url).query(payment_no="P1", channel_no="")

    assert (report.state, report.capture_no, report.further) == ("paid", "", ())


def test_a_404_that_is_not_the_wallets_is_unknown() -> None:
    page = answer("404 Not Found", b"<h1>nginx</h1>")

    with peer(saying(page)) as url, pytest.raises(OutcomeUnknown):
        at(url).query(payment_no="P1", channel_no="")


@pytest.mark.parametrize(
    "changes", [{"amount": 1}, {"currency": "USD"}, {"pay_url": "javascript:x"}, {"pay_url": None}]
)
def test_a_create_answered_with_something_else_is_unknown(changes: dict[str, Any]) -> None:
    shape = PAID | {"state": "pending", "paid_at": None} | changes

    with peer(saying(ok(shape))) as url, pytest.raises(OutcomeUnknown):
        at(url).create(a_charge("P1"))


def test_a_close_answered_with_an_open_bill_is_unknown() -> None:
    with peer(saying(ok(PAID | {"state": "pending"}))) as url, pytest.raises(OutcomeUnknown):
        at(url).close(payment_no="P1", channel_no="")


@pytest.mark.parametrize("changes", [{"refund_no": "R2"}, {"amount": 501}, {"state": "not_found"}])
def test_a_refund_answered_with_something_else_is_unknown(changes: dict[str, Any]) -> None:
    shape = {
        "refund_no": "R1",
        "payment_no": "P1",
        "channel_no": "C1",
        "state": "succeeded",
        "amount": 500,
        "currency": "EUR",
    }
    with peer(saying(ok(shape | changes))) as url, pytest.raises(OutcomeUnknown):
        at(url).refund(
            refund_no="R1", payment_no="P1", channel_no="", amount=500, currency="EUR", reason=""
        )


@pytest.mark.parametrize(
    "options",
    [{"base_url": "wallet"}, {"merchant": ""}, {"api_key": ""}, {"webhook_secret": " "}],
)
def test_a_channel_without_what_it_needs_is_not_built(options: dict[str, str]) -> None:
    full = {"base_url": "http://x", "merchant": "m", "api_key": "k", "webhook_secret": "whsec_eA=="}

    with pytest.raises(ValueError, match="must"):
        SandboxChannel(name="s", **full | options)
