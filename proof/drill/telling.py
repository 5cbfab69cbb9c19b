"""The story of one payment: what the world did, and what the shop wrote down."""

import datetime as dt
from collections.abc import Collection, Iterator

from orders.models import LedgerEntry
from payments.models import Evidence, PaymentEvent, RefundEvent
from proof.simulator.trace import Line, tell
from proof.simulator.world import World

MOST = 400  # lines


def story_of(world: World, about: Collection[str]) -> str:
    """Step by step, in the order of time; what befell everybody is told too."""
    from_world = [line for line in world.trace.lines if line[2] == "" or line[2] in about]
    lines = sorted([*from_world, *_from_rows(world, about)], key=lambda line: line[0])
    first = next((at for at, _, subject, _ in lines if subject), 0.0)
    kept = [line for line in lines if line[2] or line[0] >= first]
    return "\n".join(tell(line) for line in kept[:MOST])


def _from_rows(world: World, about: Collection[str]) -> Iterator[Line]:
    def line(at: dt.datetime, number: str, what: str) -> Line:
        return ((at - world.clock.start).total_seconds(), "the shop", number, what)

    for event in PaymentEvent.objects.filter(payment__payment_no__in=about):
        what = f"{event.from_status or 'new'} → {event.to_status} by {event.source}"
        yield line(event.occurred_at, event.payment.payment_no, what)
    for told in RefundEvent.objects.filter(refund__payment__payment_no__in=about):
        what = f"refund {told.from_status or 'new'} → {told.to_status} by {told.source}"
        yield line(told.occurred_at, told.refund.payment.payment_no, what)
    for each in Evidence.objects.filter(payment_no__in=about):
        what = f"{each.source} says {each.claim or each.error or 'nothing'}: {each.verdict}"
        yield line(each.received_at, each.payment_no, what)
    for entry in LedgerEntry.objects.filter(payment_no__in=about):
        what = f"the order has {entry.amount} {entry.currency}: {entry.entry} {entry.why}"
        yield line(entry.recorded_at, entry.payment_no, what.rstrip())
