"""What a person has to look at."""

import datetime as dt
from collections.abc import Sequence

from common.money import format_money
from orders.figures import OwedBack
from payments.channels.registry import get_label
from payments.services import rejected_today
from workers.dashboard.tiles import Seen, Tile, listed, number, oldest


def to_look_at(seen: Seen) -> list[Tile]:
    """Trouble, and money that is owed."""
    alerts, orders, refunds, now = seen.alerts, seen.orders, seen.refunds, seen.now
    count = alerts.by_kind.total()
    failed = alerts.by_kind["refund_failed"]
    return [
        Tile(
            "Open alerts",
            number(count),
            oldest(alerts.oldest_at, now, "nobody is called"),
            listed("alerts_alert", "state=open"),
            "bad" if count else "",
        ),
        _owed(seen.owed),
        Tile(
            "Refunds failed",
            number(failed),
            "the channel gave nothing back",
            listed("payments_refund", "waiting=failed"),
            "bad" if failed else "",
        ),
        Tile(
            "Notifications failed",
            number(orders.notifications_failed),
            "every try is used up",
            listed("orders_notification", "state__exact=failed"),
            "bad" if orders.notifications_failed else "",
        ),
        Tile(
            "Differences open",
            number(refunds.differences_open),
            oldest(refunds.differences_oldest_at, now, "the statements agree with us"),
            listed("payments_difference", "state=open"),
            "warn" if refunds.differences_open else "",
        ),
        Tile(
            "Evidence to look at",
            number(seen.payments.to_look_at),
            "failed, orphan, contradicting; 7 days",
            listed("payments_evidence", "look_at=week"),
            "warn" if seen.payments.to_look_at else "",
        ),
        _rejected(now),
    ]


def _owed(owed: Sequence[OwedBack]) -> Tile:
    count = sum(each.payments for each in owed)
    of_payments = f"surplus of {count} payment{'' if count == 1 else 's'}, not gone back yet"
    return Tile(
        "Owed back",
        " + ".join(format_money(each.amount, each.currency) for each in owed) or "none",
        of_payments if count else "nothing is owed back",
        listed("orders_order", "money=owed"),
        "warn" if count else "",
    )


def _rejected(now: dt.datetime) -> Tile:
    title = "Callbacks refused today"
    try:
        counts = {name: count for name, count in rejected_today(now=now).items() if count}
    except Exception:  # noqa: BLE001  (the counter lives in the cache, and the page must render)
        return Tile(title, "unknown", "Redis does not answer", mood="warn")
    by_channel = ", ".join(f"{get_label(name)} {count}" for name, count in counts.items())
    note = by_channel or "wrong signature, or too old"
    return Tile(title, number(sum(counts.values())), note, mood="warn" if counts else "")
