"""The wallet's JSON as values, read strictly: `Unreadable` rather than a guess."""

import csv
import datetime as dt
import re
from collections.abc import Iterator, Mapping
from typing import Any

from payments.channels.base import (
    ChannelState,
    OutcomeUnknown,
    RefundReport,
    RefundState,
    Report,
    StatementLine,
)

COLUMNS = (
    "kind",
    "payment_no",
    "refund_no",
    "channel_no",
    "amount",
    "currency",
    "merchant",
    "at",
)

_STATES = frozenset(set(ChannelState) - {ChannelState.NOT_FOUND})
_REFUND_STATES = frozenset(set(RefundState) - {RefundState.NOT_FOUND})


class Unreadable(ValueError):
    """An answer or a callback that isn't what the wallet's API promises."""


def report_from(shape: Mapping[str, Any], *, raw: str) -> Report:
    """A bill as the API and the callbacks tell it."""
    state = _one_of(shape, "state", _STATES)
    paid_at = shape.get("paid_at")
    if state == ChannelState.PAID or paid_at is not None:
        paid_at = _moment(shape, "paid_at")
    return Report(
        payment_no=number(shape, "payment_no"),
        state=ChannelState(state),
        amount=amount(shape),
        currency=currency(shape),
        merchant=number(shape, "merchant"),
        channel_no=number(shape, "bill_no"),
        paid_at=paid_at,
        raw=raw,
    )


def refund_from(shape: Mapping[str, Any], *, raw: str) -> RefundReport:
    """A refund as the API tells it."""
    return RefundReport(
        refund_no=number(shape, "refund_no"),
        payment_no=number(shape, "payment_no"),
        state=RefundState(_one_of(shape, "state", _REFUND_STATES)),
        amount=amount(shape),
        currency=currency(shape),
        channel_no=number(shape, "channel_no"),
        raw=raw,
    )


def statement_from(text: str) -> Iterator[StatementLine]:
    """The lines of a statement; `OutcomeUnknown` at the first that is wrong, or if it was cut."""
    rows = csv.reader(text.splitlines())
    if tuple(next(rows, ())) != COLUMNS:
        raise OutcomeUnknown("the statement's first line is not the one it should be")
    for count, row in enumerate(rows):
        if row and row[0] == "end":
            if row[1:] == [str(count)]:
                return
            break
        yield _line(row)
    raise OutcomeUnknown("the statement is cut, or has lines too many")


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


def _line(row: list[str]) -> StatementLine:
    try:
        values: dict[str, Any] = dict(zip(COLUMNS, row, strict=True))
        kind = _one_of(values, "kind", frozenset(("payment", "refund")))
        return StatementLine(
            kind="refund" if kind == "refund" else "payment",
            payment_no=number(values, "payment_no"),
            refund_no=number(values, "refund_no") if kind == "refund" else "",
            channel_no=number(values, "channel_no"),
            amount=int(_matching(values, "amount", r"[0-9]{1,18}")),
            currency=currency(values),
            merchant=number(values, "merchant"),
            at=_moment(values, "at"),
        )
    except ValueError as exc:
        raise OutcomeUnknown(f"a line of the statement can't be read: {exc}") from exc


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


def _moment(shape: Mapping[str, Any], name: str) -> dt.datetime:
    try:
        at = dt.datetime.fromisoformat(shape.get(name, ""))
        if at.utcoffset() is not None:
            return at.astimezone(dt.UTC)
    except (TypeError, ValueError, OverflowError):
        pass
    raise Unreadable(f"{name} is not a time with its offset")
