"""What the page of one order shows."""

import datetime as dt
from collections import defaultdict
from typing import Any

from django.db.models import QuerySet

from common.admin import exact_time
from common.money import format_money
from common.spans import describe_span
from orders.admin.colours import (
    ATTEMPT_COLOURS,
    ENTRY_COLOURS,
    NOTIFICATION_COLOURS,
    ORDER_COLOURS,
)
from orders.models import LedgerEntry, Notification, Order
from orders.states import AttemptStatus, Entry, NotificationState, OrderStatus, Why

MOST = 100  # notifications shown
SIGNS = {Entry.SURPLUS: 1, Entry.REFUND: -1, Entry.BOUNCED: 1}


def order_page(order: Order, now: dt.datetime) -> dict[str, Any]:
    """The template's values; four queries."""
    ledger = list(order.ledger.all())
    status = OrderStatus(order.status)
    owed = _owed_back(ledger)
    return {
        "order": order,
        "label": status.label,
        "colour": ORDER_COLOURS[status],
        "money": format_money(order.total, order.currency),
        "age": describe_span(now - order.created_at),
        "facts": [(name, exact_time(at)) for name, at in _times(order) if at],
        "lines": [
            (
                line,
                format_money(line.unit_price, order.currency),
                format_money(line.total, order.currency),
            )
            for line in order.lines.all()
        ],
        "attempts": [
            (
                attempt,
                AttemptStatus(attempt.status).label,
                ATTEMPT_COLOURS[AttemptStatus(attempt.status)],
            )
            for attempt in order.attempts.all()
        ],
        "ledger": [_entry(entry) for entry in ledger],
        "sums": _sums(ledger),
        "owed_back": " + ".join(format_money(owed[each], each) for each in sorted(owed)),
        "notifications": [_notification(each) for each in _notifications(order)],
    }


def _times(order: Order) -> list[tuple[str, dt.datetime | None]]:
    return [
        ("Placed", order.created_at),
        ("Expires", order.expires_at),
        ("Cancel asked", order.cancel_asked_at),
        ("Closing began", order.close_asked_at),
        ("Closing's next step", order.close_due_at),
        ("Closed", order.closed_at),
        ("Paid", order.paid_at),
        ("Revived", order.revived_at),
        ("Refunded", order.refunded_at),
    ]


def _entry(entry: LedgerEntry) -> dict[str, Any]:
    kind = Entry(entry.entry)
    return {
        "entry": entry,
        "money": format_money(entry.amount, entry.currency),
        "label": kind.label,
        "colour": ENTRY_COLOURS[kind],
        "why": Why(entry.why).label if entry.why else "",
    }


def _sums(ledger: list[LedgerEntry]) -> list[tuple[str, str]]:
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for entry in ledger:
        sums[entry.entry, entry.currency] += entry.amount
    return [
        (Entry(kind).label, format_money(amount, currency))
        for (kind, currency), amount in sums.items()
    ]


def _owed_back(ledger: list[LedgerEntry]) -> dict[str, int]:
    """By currency, as `orders.figures.owed_back` has it for all orders."""
    surplus = {entry.payment_no for entry in ledger if entry.entry == Entry.SURPLUS}
    left: dict[tuple[str, str], int] = defaultdict(int)
    for entry in ledger:
        if entry.payment_no in surplus:
            sign = SIGNS.get(Entry(entry.entry), 0)
            left[entry.payment_no, entry.currency] += sign * entry.amount
    owed: dict[str, int] = defaultdict(int)
    for (_, currency), amount in left.items():
        owed[currency] += max(amount, 0)
    return {currency: amount for currency, amount in owed.items() if amount}


def _notifications(order: Order) -> QuerySet[Notification]:
    rows = order.notifications.select_related("endpoint").order_by("pk")
    return rows.only("type", "state", "tries", "created_at", "endpoint__name")[:MOST]


def _notification(row: Notification) -> dict[str, Any]:
    state = NotificationState(row.state)
    return {"row": row, "label": state.label, "colour": NOTIFICATION_COLOURS[state]}
