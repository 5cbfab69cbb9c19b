"""The story of one refund, and its part in the story of its payment."""

from collections.abc import Iterable, Iterator

from common.money import format_money
from payments.channels.registry import get_label
from payments.models import Evidence, Refund, RefundEvent
from payments.selectors import get_refund
from payments.states import RefundReason, RefundStatus
from payments.timeline.entries import MOST, Entry, Kind, in_order
from payments.timeline.learned import learned


def refund_timeline(*, refund_no: str) -> list[Entry]:
    """Everything that is known of a refund, the oldest first; three queries.

    Raises `UnknownRefund`. Of more than `MOST` rows of one kind, the newest are told.
    """
    refund = get_refund(refund_no=refund_no)
    events = RefundEvent.objects.filter(refund=refund).order_by("-pk")[:MOST]
    for event in events:
        event.refund = refund
    rows = Evidence.objects.filter(refund=refund)
    return in_order(
        [*_milestones(refund), *moved(reversed(events)), *learned(rows, of_payment=False)]
    )


def moved(events: Iterable[RefundEvent], *, of_payment: bool = False) -> Iterator[Entry]:
    """What the events of refunds tell; each has its refund."""
    for event in events:
        refund, to = event.refund, RefundStatus(event.to_status)
        about = "Refund " if of_payment else ""
        yield Entry(
            at=event.occurred_at,
            kind=Kind.TRANSITION if event.from_status else Kind.REFUND,
            title=f"{about}{_move(event)}" if event.from_status else "Refund requested",
            detail=_detail(event),
            status=to,
            trouble=to is RefundStatus.FAILED,
            refund_no=refund.refund_no if of_payment else "",
        )
        if event.relayed_at:
            yield Entry(
                at=event.relayed_at,
                kind=Kind.RELAY,
                title=f"Order was told: refund {to.label.lower()}",
                detail=f"after {event.relay_failures} failed attempts"
                if event.relay_failures
                else "",
            )


def _move(event: RefundEvent) -> str:
    return f"{RefundStatus(event.from_status).label} → {RefundStatus(event.to_status).label}"


def _detail(event: RefundEvent) -> str:
    refund, to = event.refund, RefundStatus(event.to_status)
    money = format_money(refund.amount, refund.currency)
    if not event.from_status:
        asked_by = f"asked by {refund.actor}" if refund.actor else "asked by Nodrop"
        why = RefundReason(refund.reason).label.lower()
        return "; ".join(filter(None, [money, why, asked_by, refund.note]))
    if to is RefundStatus.SUCCEEDED:
        return f"{money} went back"
    if to is RefundStatus.PENDING:
        return "the channel has accepted it: it is not done"
    came_back = event.from_status == RefundStatus.SUCCEEDED
    return refund.error or (f"{money} came back to us" if came_back else f"{money} did not go back")


def _milestones(refund: Refund) -> Iterator[Entry]:
    if refund.refunded_at:
        yield Entry(
            at=refund.refunded_at,
            kind=Kind.SHOPPER,
            title="Money went back",
            detail=f"by the clock of {get_label(refund.payment.channel)}",
        )
    if refund.slow_lane_at:
        yield Entry(
            at=refund.slow_lane_at,
            kind=Kind.NOTE,
            title="Takes longer than it should: slow lane",
            trouble=True,
        )
