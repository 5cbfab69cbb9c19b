"""What the page of one payment shows."""

import datetime as dt
from typing import Any

from django.db.models.functions import Length

from common.money import format_money
from payments import selectors
from payments.admin.base import STATUS_COLOURS, VERDICT_COLOURS, exact_time, until
from payments.admin.raw import readable_body
from payments.channels.registry import get_label
from payments.figures import OVERDUE
from payments.models import Evidence, Payment, PaymentEvent
from payments.states import Status
from payments.timeline import Entry, describe_span, timeline

LARGEST_INLINE = 8 * 1024  # bytes of a raw body shown inside the timeline
MOST_INLINE = 50


def payment_page(payment: Payment, now: dt.datetime) -> dict[str, Any]:
    """The template's values; eight queries, however long the story is."""
    status, due_at = Status(payment.status), payment.consult_due_at
    waiting = PaymentEvent.objects.filter(payment=payment, relay_due_at__isnull=False)
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
        "relay_waiting": waiting.count(),
        "facts": _facts(payment),
        "entries": _dress(timeline(payment_no=payment.payment_no)),
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


def _dress(entries: list[Entry]) -> list[dict[str, Any]]:
    """The entries with what only a page needs: colours, exact times, raw bodies (one query)."""
    wanted = [entry.evidence_id for entry in entries if entry.evidence_id and entry.has_body]
    bodies = {
        row.pk: readable_body(bytes(row.body))
        for row in Evidence.objects.filter(pk__in=wanted)
        .annotate(size=Length("body"))
        .filter(size__lte=LARGEST_INLINE)
        .order_by("-pk")
        .only("body")[:MOST_INLINE]
    }
    days = ["", *(f"{entry.at:%Y-%m-%d}" for entry in entries)]
    return [
        {
            "entry": entry,
            "at": f"{entry.at:%H:%M:%S}.{entry.at.microsecond // 1000:03}",
            "day": day if day != day_before else "",
            "gap": describe_span(entry.since_previous) if entry.since_previous else "",
            "verdict_colour": VERDICT_COLOURS.get(entry.verdict, "default"),  # type: ignore[call-overload]
            "body": bodies.get(entry.evidence_id or 0, ""),
        }
        for entry, day_before, day in zip(entries, days, days[1:], strict=False)
    ]
