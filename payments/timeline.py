"""The story of one payment, in order: what was done, what was learned, and the time between.

Plain values, for the admin and for a terminal alike.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import groupby

from django.db.models.functions import Length

from common.money import format_money
from payments.channels.registry import get_label
from payments.models import Evidence, Payment, PaymentEvent, RelayFailure
from payments.selectors import get_payment
from payments.states import Source, Status, Verdict

MOST = 300  # rows of one kind: a channel gone mad must not make the page unreadable


class Kind(StrEnum):
    """What an entry is about. The order is that of entries of the same moment."""

    START = "start"
    SHOPPER = "shopper"
    CALLBACK = "callback"
    ANSWER = "answer"  # we asked the channel, and this came of it
    TRANSITION = "transition"
    RELAY = "relay"
    RELAY_FAILURE = "relay_failure"
    NOTE = "note"


_ORDER = {kind: place for place, kind in enumerate(Kind)}
_ASKED = {
    Source.START: "Created at the channel",
    Source.CONSULT: "Consult",
    Source.SWEEP: "Consult by the sweep",
    Source.RETURN: "Consult on the shopper's return",
    Source.CLOSE: "Close asked at the channel",
    Source.STATEMENT: "Line of the channel's statement",
    Source.OPERATOR: "Query by an operator",
}
_TROUBLE = frozenset({Verdict.CONTRADICTS, Verdict.FAILED, Verdict.ORPHAN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that happened. `since_previous` is None for the first."""

    at: dt.datetime
    kind: Kind
    title: str
    detail: str = ""
    verdict: str = ""  # of evidence: a value of `Verdict`
    status: str = ""  # of a transition: the new value of `Status`
    trouble: bool = False
    evidence_id: int | None = None
    has_body: bool = False
    since_previous: dt.timedelta | None = None


def timeline(*, payment_no: str) -> list[Entry]:
    """Everything that is known of a payment, the oldest first; four queries.

    Raises `UnknownPayment`. Of more than `MOST` rows of one kind, the newest are told.
    """
    payment = get_payment(payment_no=payment_no)
    entries = [*_milestones(payment), *_learned(payment), *_moved(payment), *_not_relayed(payment)]
    entries.sort(key=lambda entry: (entry.at, _ORDER[entry.kind]))
    before = [None, *(entry.at for entry in entries)]
    return [
        replace(entry, since_previous=entry.at - previous if previous else None)
        for entry, previous in zip(entries, before, strict=False)
    ]


def describe_span(span: dt.timedelta) -> str:
    """A length of time at a glance: `40 ms`, `4.1 s`, `12 s`, `3 min 20 s`, `2 h`, `3 d 4 h`."""
    seconds = abs(span.total_seconds())
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for unit, part, size, part_size in (
        ("d", "h", 86400, 3600),
        ("h", "min", 3600, 60),
        ("min", "s", 60, 1),
    ):
        if whole >= size:
            rest = whole % size // part_size
            return f"{whole // size} {unit}" + (f" {rest} {part}" if rest else "")
    return f"{whole} s"


def _milestones(payment: Payment) -> Iterator[Entry]:
    asked = f"{format_money(payment.amount, payment.currency)} by {get_label(payment.channel)}"
    yield Entry(at=payment.created_at, kind=Kind.START, title="Payment started", detail=asked)
    if payment.paid_at:
        yield Entry(
            at=payment.paid_at,
            kind=Kind.SHOPPER,
            title="Shopper paid",
            detail="by the channel's clock",
        )
    if payment.returned_at:
        yield Entry(
            at=payment.returned_at, kind=Kind.SHOPPER, title="Shopper came back from the wallet"
        )
    if payment.close_asked_at:
        yield Entry(at=payment.close_asked_at, kind=Kind.NOTE, title="Close was asked for")
    if payment.slow_lane_at:
        yield Entry(
            at=payment.slow_lane_at,
            kind=Kind.NOTE,
            title="Schedule used up: slow lane",
            trouble=True,
        )


def _learned(payment: Payment) -> Iterator[Entry]:
    newest = (
        Evidence.objects.filter(payment=payment)
        .annotate(body_bytes=Length("body"))
        .defer("body", "headers")
        .order_by("-pk")[:MOST]
    )
    for row in reversed(newest):
        is_callback = row.source == Source.CALLBACK
        yield Entry(
            at=row.received_at,
            kind=Kind.CALLBACK if is_callback else Kind.ANSWER,
            title="Callback" if is_callback else _ASKED[Source(row.source)],
            detail="; ".join(_details(row)),
            verdict=row.verdict,
            trouble=row.verdict in _TROUBLE,
            evidence_id=row.pk,
            has_body=row.body_bytes > 0,
        )


def _details(row: Evidence) -> Iterator[str]:
    if row.claim:
        yield f"says “{row.claim.replace('_', ' ')}”"
    if row.times_received > 1:
        yield f"came {row.times_received} times"
    if row.actor:
        verb = "replayed" if row.source == Source.CALLBACK else "asked"
        yield f"{verb} by {row.actor}"
    if row.event_id:
        yield f"event {row.event_id}"
    if row.error:
        yield row.error


def _moved(payment: Payment) -> Iterator[Entry]:
    newest = PaymentEvent.objects.filter(payment=payment).order_by("-pk")[:MOST]
    for event in reversed(newest):
        to = Status(event.to_status)
        if event.from_status:  # the first one is the start, which is told already
            yield Entry(
                at=event.occurred_at,
                kind=Kind.TRANSITION,
                title=f"{Status(event.from_status).label} → {to.label}",
                detail=_received(payment, to),
                status=to,
                trouble=to is Status.MISPAID,
            )
        if event.relayed_at:
            failures = event.relay_failures
            yield Entry(
                at=event.relayed_at,
                kind=Kind.RELAY,
                title=f"Order was told: {to.label}",
                detail=f"after {failures} failed attempts" if failures else "",
            )


def _received(payment: Payment, to: Status) -> str:
    if to not in (Status.SUCCEEDED, Status.MISPAID) or payment.received_amount is None:
        return ""
    return f"received {format_money(payment.received_amount, payment.received_currency)}"


def _not_relayed(payment: Payment) -> Iterator[Entry]:
    """One entry for each run of the same failure: it may go on for days."""
    failures = RelayFailure.objects.filter(event__payment=payment).select_related("event")
    newest = reversed(failures.order_by("-pk")[:MOST])
    for (_, error), group in groupby(newest, key=lambda row: (row.event_id, row.error)):
        run = list(group)
        more = f"{len(run)} times, last {run[-1].at:%H:%M:%S}: " if len(run) > 1 else ""
        yield Entry(
            at=run[0].at,
            kind=Kind.RELAY_FAILURE,
            title=f"Order could not be told: {Status(run[0].event.to_status).label}",
            detail=more + error,
            trouble=True,
        )
