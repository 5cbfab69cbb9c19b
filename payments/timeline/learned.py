"""The part of a story that evidence tells: callbacks, and what came of asking."""

from collections.abc import Iterator

from django.db.models import QuerySet
from django.db.models.functions import Length

from payments.models import Evidence
from payments.states import Source, Verdict
from payments.timeline.entries import MOST, Entry, Kind

_ASKED = {
    Source.START: "Created at the channel",
    Source.CALLBACK: "Callback",
    Source.CONSULT: "Consult",
    Source.SWEEP: "Consult by the sweep",
    Source.RETURN: "Consult on the shopper's return",
    Source.CLOSE: "Close asked at the channel",
    Source.STATEMENT: "Line of the channel's statement",
    Source.OPERATOR: "Query by an operator",
}
_OF_REFUND = _ASKED | {Source.START: "Sent to the channel"}
_SENT = "Refund sent to the channel"
_TROUBLE = frozenset({Verdict.CONTRADICTS, Verdict.FAILED, Verdict.ORPHAN})


def learned(rows: QuerySet[Evidence], *, of_payment: bool) -> Iterator[Entry]:
    """One entry for each row; of more than `MOST`, the newest. One query."""
    newest = (
        rows.annotate(body_bytes=Length("body")).defer("body", "headers").order_by("-pk")[:MOST]
    )
    for row in reversed(newest):
        yield Entry(
            at=row.received_at,
            kind=Kind.CALLBACK if row.source == Source.CALLBACK else Kind.ANSWER,
            title=_title(row, of_payment),
            detail="; ".join(_details(row)),
            verdict=row.verdict,
            trouble=row.verdict in _TROUBLE,
            evidence_id=row.pk,
            has_body=row.body_bytes > 0,
            refund_no=row.refund_no if of_payment else "",
        )


def _title(row: Evidence, of_payment: bool) -> str:
    source = Source(row.source)
    if not row.refund_no:
        return _ASKED[source]
    if not of_payment:
        return _OF_REFUND[source]
    return _SENT if source is Source.START else f"{_OF_REFUND[source]} about a refund"


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
