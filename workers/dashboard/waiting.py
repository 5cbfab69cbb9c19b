"""What waits for a channel's word, for the relay, or for a receiver."""

import datetime as dt

from alerts.figures import OpenAlerts
from payments.figures import Figures, RefundFigures
from workers.dashboard.tiles import Seen, Tile, listed, mood_of, number, oldest

NOTIFICATION_LATE = dt.timedelta(minutes=10)


def waiting(seen: Seen) -> list[Tile]:
    """The queues, each with the age of its oldest row."""
    refunds, orders, now = seen.refunds, seen.orders, seen.now
    return [
        *_payments(seen.payments, now),
        _relay(seen.payments, refunds, now),
        *_refunds(refunds, now),
        Tile(
            "Closings that stand still",
            number(orders.closing),
            oldest(orders.closing_since, now, "every closing goes on"),
            listed("orders_order", "closing=still"),
            "warn" if orders.closing else "",
        ),
        Tile(
            "Notifications waiting",
            number(orders.notifications_waiting),
            oldest(orders.notifications_late_at, now),
            listed("orders_notification", "state__exact=waiting"),
            mood_of(orders.notifications_late_at, now, NOTIFICATION_LATE),
        ),
        _statements(seen.alerts, refunds),
    ]


def _payments(seen: Figures, now: dt.datetime) -> list[Tile]:
    return [
        Tile(
            "In the fog",
            number(seen.in_fog),
            "may or may not have been paid",
            listed("payments_payment", "waiting=fog"),
        ),
        Tile(
            "Overdue consults",
            number(seen.overdue),
            oldest(seen.oldest_overdue_at, now),
            listed("payments_payment", "waiting=overdue"),
            mood_of(seen.oldest_overdue_at, now),
        ),
        Tile(
            "Slow lane",
            number(seen.slow_lane),
            "the schedule is used up",
            listed("payments_payment", "waiting=slow"),
            "warn" if seen.slow_lane else "",
        ),
    ]


def _relay(seen: Figures, refunds: RefundFigures, now: dt.datetime) -> Tile:
    """Both outboxes; the link leads to the one in which something waits."""
    failing = seen.relay_failing + refunds.relay_failing
    since = min(filter(None, (seen.relay_oldest_at, refunds.relay_oldest_at)), default=None)
    only_refunds = refunds.relay_waiting and not seen.relay_waiting
    page = "payments_refundevent" if only_refunds else "payments_paymentevent"
    return Tile(
        "Relay backlog",
        number(seen.relay_waiting + refunds.relay_waiting),
        oldest(since, now) + (f", {number(failing)} failing" if failing else ""),
        listed(page, "relay=waiting"),
        "bad" if failing else mood_of(since, now),
    )


def _refunds(refunds: RefundFigures, now: dt.datetime) -> list[Tile]:
    return [
        Tile(
            "Refunds under way",
            number(refunds.refunds_open),
            oldest(refunds.refunds_oldest_at, now),
            listed("payments_refund", "waiting=open"),
        ),
        Tile(
            "Slow refunds",
            number(refunds.refunds_slow),
            "take longer than they should",
            listed("payments_refund", "waiting=slow"),
            "warn" if refunds.refunds_slow else "",
        ),
    ]


def _statements(alerts: OpenAlerts, refunds: RefundFigures) -> Tile:
    late = "bad" if alerts.by_kind["statement_missing"] else "warn"
    return Tile(
        "Statements missing",
        number(refunds.statements_missing),
        "should be ready, and are not compared",
        listed("payments_statement", "waiting=missing"),
        late if refunds.statements_missing else "",
    )
