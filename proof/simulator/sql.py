"""What the simulator reads of the real shop's rows: few statements, after each step."""

import datetime as dt
import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db import connection

from proof.simulator.system import EntryView, Move, OrderView, PaymentView, RefundView

_TABLES = "alerts orders payments shop"  # the apps whose rows belong to a world

_MOVES = """
    SELECT 0, e.id, p.order_no, p.payment_no, '', e.seq, e.from_status, e.to_status, e.source,
        e.capture_id IS NOT NULL
    FROM payments_paymentevent e JOIN payments_payment p ON p.id = e.payment_id WHERE e.id > %s
    UNION ALL
    SELECT 1, e.id, p.order_no, p.payment_no, r.refund_no, e.seq, e.from_status, e.to_status,
        e.source, false
    FROM payments_refundevent e JOIN payments_refund r ON r.id = e.refund_id
        JOIN payments_payment p ON p.id = r.payment_id WHERE e.id > %s
    ORDER BY 1, 2
"""
_VIEWS = """
    SELECT json_build_array(o.order_no, o.status, o.total, o.currency, o.version,
        o.paid_at IS NOT NULL,
        (SELECT json_agg(json_build_array(p.payment_no, p.channel, p.merchant, p.status, p.amount,
            p.currency, p.received_amount, p.received_currency, p.received_merchant,
            p.captured_total, p.refund_total, p.version,
            (SELECT json_agg(json_build_array(e.seq, e.from_status, e.to_status, e.source,
                e.evidence_id IS NOT NULL, e.capture_id IS NOT NULL, e.relayed_at IS NOT NULL)
                ORDER BY e.seq) FROM payments_paymentevent e WHERE e.payment_id = p.id),
            (SELECT json_agg(json_build_array(r.refund_no, r.amount, r.status, r.reason, r.version,
                (SELECT json_agg(json_build_array(f.seq, f.from_status, f.to_status)
                    ORDER BY f.seq) FROM payments_refundevent f WHERE f.refund_id = r.id))
                ORDER BY r.id) FROM payments_refund r WHERE r.payment_id = p.id))
            ORDER BY p.id) FROM payments_payment p WHERE p.order_no = o.order_no),
        (SELECT json_agg(json_build_array(l.payment_no, l.capture_no, l.refund_no, l.amount,
            l.currency, l.entry, l.why) ORDER BY l.id)
            FROM orders_ledgerentry l WHERE l.order_id = o.id))::text
    FROM orders_order o WHERE o.order_no = ANY(%s) ORDER BY o.order_no
"""
_DUE = """
    SELECT
        (SELECT min(consult_due_at) FROM payments_payment WHERE consult_due_at IS NOT NULL),
        (SELECT min(consult_due_at) FROM payments_refund WHERE consult_due_at IS NOT NULL),
        least(
            (SELECT min(relay_due_at) FROM payments_paymentevent WHERE relay_due_at IS NOT NULL),
            (SELECT min(relay_due_at) FROM payments_refundevent WHERE relay_due_at IS NOT NULL)),
        (SELECT min(close_due_at) FROM orders_order WHERE close_due_at IS NOT NULL),
        (SELECT min(due_at) FROM payments_statement WHERE due_at IS NOT NULL),
        (SELECT min(due_at) FROM orders_notification WHERE state = 'waiting')
"""


@dataclass
class Seen:
    """The last events that were looked at."""

    payment_event: int = 0
    refund_event: int = 0


def moves(seen: Seen) -> list[Move]:
    """Events committed since, payments' first; `seen` moves on."""
    found = []
    for kind, pk, *values in _all(_MOVES, [seen.payment_event, seen.refund_event]):
        if kind == 0:
            seen.payment_event = pk
        else:
            seen.refund_event = pk
        found.append(Move(*values))
    return found


def order_views(order_nos: Collection[str]) -> list[OrderView]:
    return [_order(*json.loads(text)) for (text,) in _all(_VIEWS, [list(order_nos)])]


def _order(*values: Any) -> OrderView:
    *own, payments, ledger = values
    paid_by = [_payment(*payment) for payment in payments or []]
    return OrderView(*(*own, paid_by, [EntryView(*entry) for entry in ledger or []]))


def _payment(*values: Any) -> PaymentView:
    *own, events, refunds = values
    its_events = [tuple(event) for event in events or []]
    return PaymentView(*(*own, its_events, [_refund(*refund) for refund in refunds or []]))


def _refund(*values: Any) -> RefundView:
    *own, events = values
    return RefundView(*(*own, [tuple(event) for event in events or []]))


def all_orders() -> list[str]:
    return [number for (number,) in _all("SELECT order_no FROM orders_order ORDER BY 1")]


def due_times() -> dict[str, dt.datetime | None]:
    """By task; the sweep leaves what is fresh to the wake-ups, announcements look ahead."""
    ((consult, refund, relay, close, statement, notify),) = _all(_DUE)
    first = min(filter(None, (consult, refund)), default=None)
    return {
        "workers.announce_due": first and first - dt.timedelta(seconds=60),
        "workers.sync_payment_result": consult and consult + dt.timedelta(seconds=5),
        "workers.relay_due": relay,
        "workers.refund_due": refund,
        "workers.close_due": close,
        "workers.notify_due": notify,
        "workers.import_statements": statement,
        "workers.message_due": None,  # no way to shoppers is configured here
    }


def alarmed() -> set[str]:
    numbers = {subject for (subject,) in _all("SELECT DISTINCT subject FROM alerts_alert")}
    differing = _all("SELECT payment_no, refund_no FROM payments_difference")
    return numbers | {number for pair in differing for number in pair if number}


def open_alerts() -> list[tuple[str, str]]:
    return _all("SELECT kind, subject FROM alerts_alert WHERE resolved_at IS NULL ORDER BY 1, 2")


def rows_read() -> int:
    """Of the shop's own tables, by scans and through indexes, in this database."""
    _all("SELECT pg_stat_force_next_flush()")
    _all("SELECT 1")
    _all("SELECT pg_stat_clear_snapshot()")
    names = " OR ".join(f"relname LIKE '{app}\\_%%'" for app in _TABLES.split())
    ((count,),) = _all(
        "SELECT coalesce(sum(seq_tup_read + idx_tup_fetch), 0)::bigint"  # noqa: S608
        f" FROM pg_stat_user_tables WHERE {names}",
        [],
    )
    return int(count)


def empty() -> None:
    """A world begins with empty tables, whose numbers begin at 1."""
    names = [
        table
        for table in connection.introspection.table_names()
        if table.split("_", 1)[0] in _TABLES.split()
    ]
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(sorted(names))} RESTART IDENTITY CASCADE")


def _all(statement: str, params: Any = None) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        rows: list[Any] = cursor.fetchall()
    return rows
