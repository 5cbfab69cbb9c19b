"""The story of one payment, its refunds included."""

from collections.abc import Iterator
from itertools import groupby

from common.money import format_money
from payments.channels.registry import get_label
from payments.models import (
    Evidence,
    FurtherCapture,
    Payment,
    PaymentEvent,
    RefundEvent,
    RelayFailure,
)
from payments.selectors import get_payment
from payments.states import Status
from payments.timeline.entries import MOST, Entry, Kind, in_order
from payments.timeline.learned import learned
from payments.timeline.refund import moved as refunds_moved


def timeline(*, payment_no: str) -> list[Entry]:
    """Everything that is known of a payment, the oldest first; five queries.

    Raises `UnknownPayment`. Of more than `MOST` rows of one kind, the newest are told.
    """
    payment = get_payment(payment_no=payment_no)
    refunds = RefundEvent.objects.filter(refund__payment=payment).select_related("refund")
    return in_order(
        [
            *_milestones(payment),
            *learned(Evidence.objects.filter(payment=payment), of_payment=True),
            *_moved(payment),
            *refunds_moved(reversed(refunds.order_by("-pk")[:MOST]), of_payment=True),
            *_not_relayed(payment),
        ]
    )


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


def _moved(payment: Payment) -> Iterator[Entry]:
    events = PaymentEvent.objects.filter(payment=payment).select_related("capture")
    for event in reversed(events.order_by("-pk")[:MOST]):
        to = Status(event.to_status)
        if event.capture:
            yield _taken_again(event, event.capture)
        elif event.from_status:  # the first one is the start, which is told already
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
                title=f"Order was told: {_name(event)}",
                detail=f"after {failures} failed attempts" if failures else "",
            )


def _taken_again(event: PaymentEvent, capture: FurtherCapture) -> Entry:
    detail = f"{format_money(capture.amount, capture.currency)}, capture {capture.capture_no}"
    return Entry(
        at=event.occurred_at,
        kind=Kind.TRANSITION,
        title="Channel took money once more",
        detail=detail,
        evidence_id=event.evidence_id,
        trouble=True,
    )


def _name(event: PaymentEvent) -> str:
    return "money taken once more" if event.capture else Status(event.to_status).label


def _received(payment: Payment, to: Status) -> str:
    if to not in (Status.SUCCEEDED, Status.MISPAID) or payment.received_amount is None:
        return ""
    return f"received {format_money(payment.received_amount, payment.received_currency)}"


def _not_relayed(payment: Payment) -> Iterator[Entry]:
    """One entry for each run of the same failure: it may go on for days."""
    failures = RelayFailure.objects.filter(event__payment=payment).select_related("event__capture")
    newest = reversed(failures.order_by("-pk")[:MOST])
    for (_, error), group in groupby(newest, key=lambda row: (row.event_id, row.error)):
        run = list(group)
        more = f"{len(run)} times, last {run[-1].at:%H:%M:%S}: " if len(run) > 1 else ""
        yield Entry(
            at=run[0].at,
            kind=Kind.RELAY_FAILURE,
            title=f"Order could not be told: {_name(run[0].event)}",
            detail=more + error,
            trouble=True,
        )
