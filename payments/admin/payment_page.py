"""What the page of one payment shows."""

import datetime as dt
from typing import Any

from common.admin import exact_time, until
from common.money import format_money
from common.spans import describe_span
from payments import selectors
from payments.admin.base import REFUND_COLOURS, STATUS_COLOURS
from payments.admin.story import dress
from payments.channels.registry import get_label
from payments.figures import OVERDUE
from payments.models import Payment, PaymentEvent, Refund, RefundEvent
from payments.states import RefundReason, RefundStatus, Status
from payments.timeline import timeline

MOST = 100  # captures or refunds shown


def payment_page(payment: Payment, now: dt.datetime) -> dict[str, Any]:
    """The template's values; eleven queries, however long the story is."""
    status, due_at = Status(payment.status), payment.consult_due_at
    waiting = PaymentEvent.objects.filter(payment=payment, relay_due_at__isnull=False)
    of_refunds = RefundEvent.objects.filter(refund__payment=payment, relay_due_at__isnull=False)
    return {
        "payment": payment,
        "label": status.label,
        "colour": STATUS_COLOURS[status],
        "money": format_money(payment.amount, payment.currency),
        "channel_label": get_label(payment.channel),
        "next_consult": until(due_at, now),
        "is_overdue": due_at is not None and due_at < now - OVERDUE,
        "age": describe_span(now - payment.created_at),
        "known_after": _known_after(payment),
        "relay_waiting": waiting.count() + of_refunds.count(),
        "captured": _money(payment, payment.captured_total),
        "refunded": _money(payment, payment.refund_total),
        "refundable": _money(payment, payment.refundable),
        "captures": _captures(payment),
        "refunds": [_refund(refund) for refund in payment.refunds.all()[:MOST]],
        "facts": _facts(payment),
        "entries": dress(timeline(payment_no=payment.payment_no)),
        "others": [
            {
                "payment": other,
                "label": Status(other.status).label,
                "colour": STATUS_COLOURS[Status(other.status)],
                "money": format_money(other.amount, other.currency),
                "at": exact_time(other.created_at),
            }
            for other in selectors.payments_of(order_no=payment.order_no)
            if other.pk != payment.pk
        ],
    }


def _money(payment: Payment, amount: int) -> str:
    return format_money(amount, payment.received_currency or payment.currency)


def _captures(payment: Payment) -> list[dict[str, str]]:
    """Every time that the channel took money: the first, and those that are owed back."""
    if not payment.captured_total:
        return []
    first = {
        "number": payment.capture_no or payment.channel_no,
        "money": _money(payment, payment.received_amount or 0),
        "at": exact_time(payment.settled_at),
        "what": "received",
    }
    further = [
        {
            "number": capture.capture_no,
            "money": format_money(capture.amount, capture.currency),
            "at": exact_time(capture.recorded_at),
            "what": "taken once more: owed back",
        }
        for capture in payment.further_captures.all()[:MOST]
    ]
    return [first, *further]


def _refund(refund: Refund) -> dict[str, Any]:
    status = RefundStatus(refund.status)
    return {
        "refund": refund,
        "label": status.label,
        "colour": REFUND_COLOURS[status],
        "money": format_money(refund.amount, refund.currency),
        "reason": RefundReason(refund.reason).label,
        "at": exact_time(refund.created_at),
    }


def _known_after(payment: Payment) -> str:
    """How long nobody knew: from the channel's "paid" to our knowing it."""
    if not payment.settled_at:
        return ""
    return describe_span(payment.settled_at - (payment.paid_at or payment.created_at))


def _facts(payment: Payment) -> list[tuple[str, str]]:
    received = payment.received_amount
    times = (
        ("Started", payment.created_at),
        ("Expires", payment.expires_at),
        ("Shopper came back", payment.returned_at),
        ("Close asked", payment.close_asked_at),
        ("Paid (channel's clock)", payment.paid_at),
        ("Settled", payment.settled_at),
        ("Last consult", payment.consulted_at),
        ("Next consult", payment.consult_due_at),
        ("In the slow lane since", payment.slow_lane_at),
    )
    facts = [
        ("Channel's number", payment.channel_no),
        ("Idempotency key", payment.idempotency_key),
        ("Merchant account", payment.merchant),
        ("Subject", payment.subject),
        ("Asked", format_money(payment.amount, payment.currency)),
        (
            "Received",
            format_money(received, payment.received_currency) if received is not None else "",
        ),
        ("Opened as", str((payment.action or {}).get("kind", ""))),
        ("Create calls", str(payment.create_calls)),
        *((name, exact_time(at) if at else "") for name, at in times),
    ]
    return [(name, value) for name, value in facts if value]
