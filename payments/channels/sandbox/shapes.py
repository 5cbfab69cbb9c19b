"""How the wallet writes things: times, money, bills and refunds."""

import datetime as dt
from typing import Any

from payments.channels.sandbox.ledger import Bill
from payments.channels.sandbox.refunds import Refund

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


def bill_shape(bill: Bill, *, public_url: str, now: float) -> dict[str, Any]:
    """A bill as the API tells it."""
    state = bill.state_at(now)
    return {
        "bill_no": bill.bill_no,
        "payment_no": bill.payment_no,
        "merchant": bill.merchant,
        "state": state,
        "amount": bill.amount,
        "currency": bill.currency,
        "captured": bill.captured,
        "refunded": bill.refunded,
        "created_at": iso(bill.created_at),
        "expires_at": iso(bill.expires_at),
        "paid_at": iso(bill.ended_at) if state == "paid" else None,
        "pay_url": pay_url(bill, public_url),
    }


def refund_shape(refund: Refund, *, state: str) -> dict[str, Any]:
    """A refund as the API tells it."""
    return {
        "refund_no": refund.refund_no,
        "payment_no": refund.payment_no,
        "channel_no": refund.channel_no,
        "state": state,
        "amount": refund.amount,
        "currency": refund.currency,
        "created_at": iso(refund.at),
    }


def pay_url(bill: Bill, public_url: str) -> str:
    """Where the shopper pays."""
    return f"{public_url}/pay/{bill.bill_no}"
