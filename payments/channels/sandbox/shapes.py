"""How the wallet writes things: times, money, bills, captures and refunds."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from payments.channels.sandbox.bills import Bill
from payments.channels.sandbox.captures import Capture
from payments.channels.sandbox.refund_values import Refund

# ISO 4217: currencies whose minor unit is not a hundredth.
_DIGITS = {
    **dict.fromkeys(("BIF", "CLP", "JPY", "KRW", "PYG", "RWF", "UGX", "VND", "XAF", "XOF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}


def iso(at: float | None) -> str | None:
    """A Unix time as ISO 8601 in UTC, to the microsecond."""
    return None if at is None else dt.datetime.fromtimestamp(at, dt.UTC).isoformat()


def money(amount: int, currency: str) -> str:
    """An amount in minor units as people write it, for example `12.50 EUR`."""
    digits = _DIGITS.get(currency, 2)
    whole, part = divmod(amount, 10**digits)
    return f"{whole:,}{f'.{part:0{digits}}' if digits else ''} {currency}"


def bill_shape(
    bill: Bill, captures: Sequence[Capture], *, public_url: str, now: float
) -> dict[str, Any]:
    """A bill as the API tells it; `captures` are all of its captures, oldest first."""
    state = bill.state_at(now)
    return {
        "bill_no": bill.bill_no,
        "payment_no": bill.payment_no,
        "merchant": bill.merchant,
        "state": state,
        "amount": bill.amount,
        "currency": bill.currency,
        "captured": bill.captured,
        "capture_no": captures[0].capture_no if captures else None,
        "captures": [capture_shape(one) for one in captures],
        "refunded": bill.refunded,
        "refund_pending": bill.refund_pending,
        "created_at": iso(bill.created_at),
        "expires_at": iso(bill.expires_at),
        "paid_at": iso(bill.ended_at) if state == "paid" else None,
        "pay_url": pay_url(bill, public_url),
    }


def capture_shape(capture: Capture) -> dict[str, Any]:
    """A capture as the API tells it; its currency is the bill's."""
    return {
        "capture_no": capture.capture_no,
        "amount": capture.amount,
        "at": iso(capture.at),
    }


def refund_shape(refund: Refund) -> dict[str, Any]:
    """A refund as the API and the callbacks tell it."""
    return {
        "refund_no": refund.refund_no,
        "payment_no": refund.payment_no,
        "channel_no": refund.channel_no,
        "state": refund.state,
        "amount": refund.amount,
        "currency": refund.currency,
        "created_at": iso(refund.at),
        "refunded_at": iso(refund.ended_at) if refund.state == "succeeded" else None,
    }


def misstated(
    bill: Bill, captures: Sequence[Capture], wrong: Mapping[str, Any] | None
) -> tuple[Bill, list[Capture]]:
    """The bill and its captures with a wrong amount of the bill and of its first capture.

    `wrong` are the options of the switch; None leaves the truth as it is.
    """
    if wrong is None:
        return bill, list(captures)
    amount = another_amount(bill.amount, wrong["delta"])
    if not captures:
        return replace(bill, amount=amount), []
    first, *others = captures
    captured = bill.captured + amount - first.amount
    told = replace(bill, amount=amount, captured=captured)
    return told, [replace(first, amount=amount), *others]


def another_amount(amount: int, delta: float) -> int:
    """Another amount than the true one, never below zero."""
    moved = amount + delta
    return int(moved if moved >= 0 and moved != amount else amount + 1)


def pay_url(bill: Bill, public_url: str) -> str:
    """Where the shopper pays."""
    return f"{public_url}/pay/{bill.bill_no}"
