"""The wallet's statement as values: read strictly, line by line, with little work for each."""

import datetime as dt
import re
from collections.abc import Iterator

from payments.channels.base import OutcomeUnknown, StatementLine

HEADER = "kind,payment_no,refund_no,channel_no,capture_no,amount,currency,merchant,at"

# One pattern for the whole line, since a statement may have very many. The wallet's values need no
# quotes in CSV; a line that has some is none of its own. A payment has a capture_no and no
# refund_no, a refund has it the other way round.
_NO = "[A-Za-z0-9_-]{1,64}"
_LINE = re.compile(
    rf"(?:payment,({_NO}),,({_NO}),({_NO})|refund,({_NO}),({_NO}),({_NO}),)"
    rf",([0-9]{{1,18}}),([A-Z]{{3}}),({_NO}),([0-9T:.+Z-]{{20,35}})"
)
_END = re.compile(r"end,(0|[1-9][0-9]{0,11})")
_LONGEST = 4096  # bytes; no line of the wallet's comes near


def statement_from(raw: Iterator[bytes]) -> Iterator[StatementLine]:
    """The lines of a statement; `OutcomeUnknown` at the first that is wrong, or if it was cut."""
    lines = _split(raw)
    if next(lines, None) != HEADER:
        raise OutcomeUnknown("the statement's first line is not the one it should be")
    for count, text in enumerate(lines):
        found = _LINE.fullmatch(text)
        if found is None:
            return _check_end(text, count, lines)
        yield _line(*found.groups())
    raise OutcomeUnknown("the statement is cut")


def _check_end(text: str, count: int, lines: Iterator[str]) -> None:
    end = _END.fullmatch(text)
    if end is None:
        raise OutcomeUnknown(f"a line of the statement can't be read: {text[:200]!r}")
    if int(end[1]) != count or next(lines, None) is not None:
        raise OutcomeUnknown("the statement lacks lines, or has lines too many")


def _line(  # noqa: PLR0917 - the groups of the pattern, in its order
    payment_no: str | None,
    bill_no: str,
    capture_no: str,
    refunded_payment_no: str,
    refund_no: str,
    channel_no: str,
    amount: str,
    currency: str,
    merchant: str,
    at: str,
) -> StatementLine:
    if payment_no is None:
        return StatementLine(
            kind="refund",
            payment_no=refunded_payment_no,
            refund_no=refund_no,
            channel_no=channel_no,
            amount=int(amount),
            currency=currency,
            merchant=merchant,
            at=_moment(at),
        )
    return StatementLine(
        kind="payment",
        payment_no=payment_no,
        refund_no="",
        channel_no=bill_no,
        capture_no=capture_no,
        amount=int(amount),
        currency=currency,
        merchant=merchant,
        at=_moment(at),
    )


def _moment(text: str) -> dt.datetime:
    try:
        at = dt.datetime.fromisoformat(text)
        if at.tzinfo is dt.UTC:
            return at
        if at.tzinfo is not None:
            return at.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        pass
    raise OutcomeUnknown(f"a time of the statement can't be read: {text!r}")


def _split(raw: Iterator[bytes]) -> Iterator[str]:
    """The lines of UTF-8 that comes in pieces, without their ends."""
    rest = b""
    for piece in raw:
        *whole, rest = (rest + piece).rsplit(b"\n", 1)
        if len(rest) > _LONGEST:
            raise OutcomeUnknown("a line of the statement is too long")
        if whole:
            yield from _decoded(whole[0]).split("\n")
    if rest:
        yield _decoded(rest)


def _decoded(text: bytes) -> str:
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise OutcomeUnknown("the statement is not UTF-8") from exc
