"""Reading what merchants send, strictly."""

import datetime as dt
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request

from payments.channels.sandbox.bills import BillRequest, Refused

_MAX_BODY = 64 * 1024
_NUMBER = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CURRENCY = re.compile(r"[A-Z]{3}")


async def json_body(request: Request) -> dict[str, Any]:
    """The body as a JSON object (`{}` if there is none); `Refused` where it is something else."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_BODY:
            raise Refused("too_large", f"more than {_MAX_BODY} bytes", status=413)
    try:
        value = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise _invalid("the body must be JSON") from None
    if not isinstance(value, dict):
        raise _invalid("the body must be a JSON object")
    return value


def idempotency_key(headers: Mapping[str, str]) -> str:
    """The Idempotency-Key header, which every create must carry."""
    key = headers.get("idempotency-key", "")
    if not re.fullmatch(r"[\x21-\x7e]{1,128}", key):
        raise _invalid("Idempotency-Key must be 1 to 128 visible characters")
    return key


def bill_request(body: Mapping[str, Any]) -> BillRequest:
    """The wish for a bill, or `Refused` with the first field that is wrong."""
    return BillRequest(
        payment_no=_number(body, "payment_no"),
        amount=_amount(body),
        currency=_currency(body),
        subject=_text(body, "subject", 200),
        return_url=_url(body, "return_url"),
        notify_url=_url(body, "notify_url"),
        expires_at=_time(body, "expires_at"),
    )


def refund_request(body: Mapping[str, Any]) -> dict[str, Any]:
    """The wish for a refund, as the arguments of `make_refund`."""
    return {
        "refund_no": _number(body, "refund_no"),
        "payment_no": _number(body, "payment_no"),
        "amount": _amount(body),
        "currency": _currency(body),
        "reason": _text(body, "reason", 200),
    }


def _number(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        raise _invalid(f"{name} must be 1 to 64 letters, digits, - or _")
    return value


def _amount(body: Mapping[str, Any]) -> int:
    value = body.get("amount")
    if type(value) is not int or not 0 < value < 10**15:
        raise _invalid("amount must be a positive whole number of minor units")
    return value


def _currency(body: Mapping[str, Any]) -> str:
    value = body.get("currency")
    if not isinstance(value, str) or not _CURRENCY.fullmatch(value):
        raise _invalid("currency must be an ISO 4217 code")
    return value


def _text(body: Mapping[str, Any], name: str, longest: int) -> str:
    value = body.get(name, "")
    if not isinstance(value, str) or len(value) > longest or not _storable(value):
        raise _invalid(f"{name} must be text of at most {longest} characters")
    return value


def _storable(text: str) -> bool:
    return not re.search("[\x00\ud800-\udfff]", text)


def _url(body: Mapping[str, Any], name: str) -> str:
    value = _text(body, name, 2000)
    try:
        parts = urlsplit(value)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        fits = False
    if not fits or not re.fullmatch(r"[\x21-\x7e]+", value):
        raise _invalid(f"{name} must be an absolute http(s) address")
    return value


def _time(body: Mapping[str, Any], name: str) -> float:
    try:
        at = dt.datetime.fromisoformat(body.get(name, ""))
        seconds = at.timestamp() if at.tzinfo else None
        dt.datetime.fromtimestamp(seconds or 0, dt.UTC)  # year 9999 ends sooner in some places
    except (TypeError, ValueError, OverflowError):
        seconds = None
    if seconds is None:
        raise _invalid(f"{name} must be an ISO 8601 time with its offset")
    return seconds


def _invalid(message: str) -> Refused:
    return Refused("invalid", message, status=400)
