"""What a story is made of."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

MOST = 300  # rows of one kind: a channel gone mad must not make the page unreadable


class Kind(StrEnum):
    """What an entry is about. The order is that of entries of the same moment."""

    START = "start"
    SHOPPER = "shopper"
    CALLBACK = "callback"
    ANSWER = "answer"  # we asked the channel, and this came of it
    TRANSITION = "transition"
    REFUND = "refund"
    RELAY = "relay"
    RELAY_FAILURE = "relay_failure"
    NOTE = "note"


_ORDER = {kind: place for place, kind in enumerate(Kind)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that happened. `since_previous` is None for the first."""

    at: dt.datetime
    kind: Kind
    title: str
    detail: str = ""
    verdict: str = ""  # of evidence: a value of `Verdict`
    status: str = ""  # of a transition: the new value of `Status` or `RefundStatus`
    trouble: bool = False
    evidence_id: int | None = None
    has_body: bool = False
    refund_no: str = ""  # of a payment's story: the refund that this is about
    since_previous: dt.timedelta | None = None


def in_order(entries: Iterable[Entry]) -> list[Entry]:
    """The oldest first, each with the time since the one before."""
    story = sorted(entries, key=lambda entry: (entry.at, _ORDER[entry.kind]))
    before = [None, *(entry.at for entry in story)]
    return [
        replace(entry, since_previous=entry.at - previous if previous else None)
        for entry, previous in zip(story, before, strict=False)
    ]
