"""The wallet's JSON as values, read strictly: `Unreadable` rather than a guess."""

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from payments.channels.base import Capture, ChannelState, RefundReport, RefundState, Report

_STATES = frozenset(set(ChannelState) - {ChannelState.NOT_FOUND})
_REFUND_STATES = frozenset(set(RefundState) - {RefundState.NOT_FOUND})


class Unreadable(ValueError):
    """An answer or a callback that isn't what the wallet's API promises."""


def news_from(shape: Mapping[str, Any], *, raw: str) -> Report | RefundReport | None:
    """What a callback tells of a payment or of a refund; None where it is about something else."""
    kind = shape.get("type")
    if not isinstance(kind, str):
        raise Unreadable("type is missing")
    if kind.startswith("payment."):
        return report_from(shape, raw=raw)
    if kind.startswith("refund."):
        return refund_from(shape, raw=raw)
    return None


def report_from(shape: Mapping[str, Any], *, raw: str) -> Report:
    """A bill as the API and the callbacks tell it."""
    state = _one_of(shape, "state", _STATES)
    captures = _captures(shape) if state == ChannelState.PAID else {}
    return Report(
        payment_no=number(shape, "payment_no"),
        state=ChannelState(state),
        amount=amount(shape),
        currency=currency(shape),
        merchant=number(shape, "merchant"),
        channel_no=number(shape, "bill_no"),
        paid_at=_moment_if(shape, "paid_at", must=state == ChannelState.PAID),
        capture_no=shape["capture_no"] if captures else "",
        further=tuple(one for no, one in captures.items() if no != shape["capture_no"]),
        raw=raw,
    )


def refund_from(shape: Mapping[str, Any], *, raw: str) -> RefundReport:
    """A refund as the API and the callbacks tell it."""
    state = RefundState(_one_of(shape, "state", _REFUND_STATES))
    return RefundReport(
        refund_no=number(shape, "refund_no"),
        payment_no=number(shape, "payment_no"),
        state=state,
        amount=amount(shape),
        currency=currency(shape),
        channel_no=number(shape, "channel_no"),
        refunded_at=_moment_if(shape, "refunded_at", must=False),
        raw=raw,
    )


def number(shape: Mapping[str, Any], name: str) -> str:
    """A number or name such as payment_no, bill_no or merchant."""
    return _matching(shape, name, r"[A-Za-z0-9_-]{1,64}")


def currency(shape: Mapping[str, Any]) -> str:
    """An ISO 4217 code."""
    return _matching(shape, "currency", r"[A-Z]{3}")


def amount(shape: Mapping[str, Any]) -> int:
    """An amount in minor units: a true whole number, not a boolean and not a float."""
    value = shape.get("amount")
    if type(value) is not int or not 0 <= value < 2**63:
        raise Unreadable("amount is not a whole number of minor units")
    return value


def _captures(shape: Mapping[str, Any]) -> dict[str, Capture]:
    """The captures of a paid bill by number; none where the shape does not speak of captures.

    The one that the shape is about must be among them, and agree with what else is said.
    """
    told = shape.get("captures")
    if told is None and shape.get("capture_no") is None:
        return {}
    if not isinstance(told, list) or not all(isinstance(one, dict) for one in told):
        raise Unreadable("captures is not a list of captures")
    found = {number(one, "capture_no"): _capture(one, currency(shape)) for one in told}
    own = found.get(number(shape, "capture_no"))
    if own is None or own.amount != amount(shape) or len(found) != len(told):
        raise Unreadable("captures is at odds with the rest")
    return found


def _capture(shape: Mapping[str, Any], code: str) -> Capture:
    return Capture(
        capture_no=number(shape, "capture_no"),
        amount=amount(shape),
        currency=code,
        at=_moment(shape, "at"),
    )


def _matching(shape: Mapping[str, Any], name: str, pattern: str) -> str:
    value = shape.get(name)
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        raise Unreadable(f"{name} is missing, or is not what it should be")
    return value


def _one_of(shape: Mapping[str, Any], name: str, known: frozenset[str]) -> str:
    value = shape.get(name)
    if not isinstance(value, str) or value not in known:
        raise Unreadable(f"{name} is not one that we know")
    return value


def _moment_if(shape: Mapping[str, Any], name: str, *, must: bool) -> dt.datetime | None:
    """A time that may be missing, unless it `must` be there."""
    return _moment(shape, name) if must or shape.get(name) is not None else None


def _moment(shape: Mapping[str, Any], name: str) -> dt.datetime:
    try:
        at = dt.datetime.fromisoformat(shape.get(name, ""))
        if at.utcoffset() is not None:
            return at.astimezone(dt.UTC)
    except (TypeError, ValueError, OverflowError):
        pass
    raise Unreadable(f"{name} is not a time with its offset")
