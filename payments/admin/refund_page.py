"""What the page of one refund shows."""

import datetime as dt
from typing import Any

from common.admin import exact_time, until
from common.money import format_money
from common.spans import describe_span
from payments.admin.base import REFUND_COLOURS
from payments.admin.story import dress
from payments.channels.registry import get_label
from payments.figures import OVERDUE
from payments.models import Refund
from payments.states import RefundReason, RefundStatus
from payments.timeline import refund_timeline


def refund_page(refund: Refund, now: dt.datetime) -> dict[str, Any]:
    """The template's values; six queries, however long the story is."""
    status, due_at = RefundStatus(refund.status), refund.consult_due_at
    waiting = list(refund.events.filter(relay_due_at__isnull=False))
    return {
        "refund": refund,
        "payment": refund.payment,
        "label": status.label,
        "colour": REFUND_COLOURS[status],
        "money": format_money(refund.amount, refund.currency),
        "reason": RefundReason(refund.reason).label,
        "channel_label": get_label(refund.payment.channel),
        "next_consult": until(due_at, now),
        "is_overdue": due_at is not None and due_at < now - OVERDUE,
        "age": describe_span(now - refund.created_at),
        "known_after": _known_after(refund),
        "relay_waiting": len(waiting),
        "relay_error": next((event.relay_error for event in waiting if event.relay_error), ""),
        "facts": _facts(refund),
        "entries": dress(refund_timeline(refund_no=refund.refund_no)),
    }


def _known_after(refund: Refund) -> str:
    return describe_span(refund.settled_at - refund.created_at) if refund.settled_at else ""


def _facts(refund: Refund) -> list[tuple[str, str]]:
    facts = [
        ("Reason", RefundReason(refund.reason).label),
        ("Why", refund.note),
        ("Asked by", refund.actor or "Nodrop"),
        ("Channel's number", refund.channel_no),
        ("Refused because", refund.error),
        ("Sent", f"{refund.send_calls} times" if refund.send_calls > 1 else ""),
        ("Requested", exact_time(refund.created_at)),
        ("Went back (channel's clock)", exact_time(refund.refunded_at)),
        ("Settled", exact_time(refund.settled_at)),
        ("Last consult", exact_time(refund.consulted_at)),
        ("Next consult", exact_time(refund.consult_due_at)),
        ("In the slow lane since", exact_time(refund.slow_lane_at)),
        ("Origin", refund.origin),
    ]
    return [(name, value) for name, value in facts if value]
