"""What must hold of all rows once everything is at rest, whatever came between."""

from collections.abc import Iterator

from django.db import connection
from django.db.backends.utils import CursorWrapper

from payments.states import MOVES, REFUND_MOVES, RefundStatus, Status
from proof.races.stage import CHANNELS, STOCK, Stage

# Each gives the numbers of what breaks it. The money's rules say what tests/flows/books.py says, in
# SQL: they are asked a thousand times a minute.
RULES = {
    "a payment's status is the fold of its events": """
        SELECT p.payment_no FROM payments_payment p WHERE p.status IS DISTINCT FROM (
            SELECT e.to_status FROM payments_paymentevent e WHERE e.payment_id = p.id
            ORDER BY e.seq DESC LIMIT 1)""",
    "a payment's events are numbered without gaps": """
        SELECT p.payment_no FROM payments_payment p LEFT JOIN payments_paymentevent e
            ON e.payment_id = p.id
        GROUP BY p.id HAVING (count(e.id), max(e.seq), min(e.seq))
            IS DISTINCT FROM (p.version::bigint, p.version, 1)""",
    "each event of a payment begins where the last one ended": """
        SELECT p.payment_no FROM payments_payment p JOIN (SELECT payment_id, from_status,
            lag(to_status, 1, '') OVER (PARTITION BY payment_id ORDER BY seq) AS was
            FROM payments_paymentevent) e ON e.payment_id = p.id
        WHERE e.from_status <> e.was""",
    "a refund's status is the fold of its events": """
        SELECT r.refund_no FROM payments_refund r WHERE (r.status, r.version) IS DISTINCT FROM (
            SELECT (e.to_status, e.seq) FROM payments_refundevent e WHERE e.refund_id = r.id
            ORDER BY e.seq DESC LIMIT 1)""",
    "a refund's events are numbered without gaps": """
        SELECT r.refund_no FROM payments_refund r JOIN payments_refundevent e
            ON e.refund_id = r.id
        GROUP BY r.id HAVING (count(e.id), min(e.seq))
            IS DISTINCT FROM (r.version::bigint, 1)""",
    "what moved a payment has its evidence": """
        SELECT p.payment_no FROM payments_paymentevent e JOIN payments_payment p
            ON p.id = e.payment_id
        WHERE e.evidence_id IS NULL AND e.seq > 1""",
    "no more goes back than was captured": """
        SELECT payment_no FROM payments_payment WHERE refund_total > captured_total""",
    "an order has at most one applied entry, and a paid one has it": """
        SELECT o.order_no FROM orders_order o LEFT JOIN orders_ledgerentry l
            ON l.order_id = o.id AND l.entry = 'applied'
        GROUP BY o.id HAVING count(l.id) > 1 OR count(l.id) = 0 AND o.status = 'paid'""",
    "an applied entry is the money of a payment that succeeded": """
        SELECT l.payment_no FROM orders_ledgerentry l LEFT JOIN payments_payment p
            ON p.payment_no = l.payment_no
        WHERE l.entry = 'applied' AND (p.status, p.received_amount) IS DISTINCT FROM
            ('succeeded', l.amount)""",
    "money that came is in the ledger": """
        SELECT p.payment_no FROM payments_payment p WHERE p.captured_total > 0 AND NOT EXISTS (
            SELECT FROM orders_ledgerentry l WHERE l.payment_no = p.payment_no)""",
    "every event was handed over": """
        SELECT id::text FROM payments_paymentevent WHERE relayed_at IS NULL UNION ALL
        SELECT id::text FROM payments_refundevent WHERE relayed_at IS NULL""",
    "no event was refused by the order side": """
        SELECT error FROM payments_relayfailure UNION ALL
        SELECT relay_error FROM payments_refundevent WHERE relay_failures > 0""",
    "every refund has ended": """
        SELECT refund_no FROM payments_refund WHERE status IN ('requested', 'pending')""",
    "all evidence was judged, and none failed or contradicted": """
        SELECT source || ' ' || verdict || ' ' || error FROM payments_evidence
        WHERE verdict IN ('pending', 'failed', 'contradicts', 'orphan')""",
    "an order that wants money has no payment that brought some": """
        SELECT o.order_no FROM orders_order o JOIN payments_payment p ON p.order_no = o.order_no
        WHERE o.status IN ('unpaid', 'paying') AND p.status = 'succeeded'""",
    "an order's attempts are over where its payments are": """
        SELECT a.payment_no FROM orders_attempt a JOIN payments_payment p
            ON p.payment_no = a.payment_no
        WHERE (a.status = 'open') <> (p.status IN ('created', 'paying'))""",
    "an order that ended is told of to those who fulfil it, once": """
        SELECT o.order_no || ' ' || n.type FROM orders_order o JOIN orders_notification n
            ON n.order_id = o.id
        WHERE n.type <> 'refund.succeeded' GROUP BY o.id, n.type HAVING count(*) > 1""",
    "a paid order is told of": """
        SELECT o.order_no FROM orders_order o WHERE o.status = 'paid' AND NOT EXISTS (
            SELECT FROM orders_notification n WHERE n.order_id = o.id
                AND n.type IN ('order.paid', 'order.revived'))""",
    "notifications of an order tell its versions in order": """
        SELECT order_id::text FROM (SELECT order_id,
            (body::json #>> '{data,version}')::int AS version,
            lag((body::json #>> '{data,version}')::int) OVER (ORDER BY id) AS was
            FROM orders_notification) n WHERE n.version < n.was""",
    "a payment's totals are those of its captures and refunds": """
        SELECT p.payment_no FROM payments_payment p WHERE (p.captured_total, p.refund_total) <> (
            coalesce(p.received_amount, 0) + (SELECT coalesce(sum(c.amount), 0)
                FROM payments_furthercapture c WHERE c.payment_id = p.id),
            (SELECT coalesce(sum(r.amount), 0)
                FROM payments_refund r WHERE r.payment_id = p.id AND r.status <> 'failed'))""",
    "all that was captured is in the ledger": """
        SELECT p.payment_no FROM payments_payment p WHERE p.captured_total <> (
            SELECT coalesce(sum(l.amount), 0) FROM orders_ledgerentry l
            WHERE l.payment_no = p.payment_no AND l.refund_no = '')""",
    "nothing is owed back": """
        SELECT o.order_no FROM orders_order o WHERE (
            SELECT coalesce(sum(CASE l.entry WHEN 'refund' THEN -l.amount ELSE l.amount END), 0)
            FROM orders_ledgerentry l WHERE l.order_id = o.id
        ) <> CASE o.status WHEN 'paid' THEN o.total - (
            SELECT coalesce(sum(r.amount), 0) FROM payments_refund r JOIN payments_payment p
                ON p.id = r.payment_id WHERE p.order_no = o.order_no
                AND r.reason = 'customer' AND r.status = 'succeeded') ELSE 0 END""",
    "what the channels hold is in the ledger": """
        SELECT held.*::text FROM (SELECT coalesce(
            sum(CASE entry WHEN 'refund' THEN -amount ELSE amount END), 0) AS here
            FROM orders_ledgerentry) AS held WHERE held.here <> $1""",
    "the stock holds what no order has": f"""
        SELECT s.sku FROM orders_stock s WHERE s.available <> {STOCK} - (
            SELECT coalesce(sum(l.quantity), 0) FROM orders_orderline l JOIN orders_order o
                ON o.id = l.order_id WHERE l.sku = s.sku AND o.stock_held)""",  # noqa: S608  (a number)
    "an order that ended unpaid holds no goods": """
        SELECT order_no FROM orders_order WHERE stock_held AND status IN ('closed', 'cancelled')""",
}
_ALL = " UNION ALL ".join(
    f"(SELECT {number}, broken.* FROM ({rule}) AS broken)"  # noqa: S608  (they are ours)
    for number, rule in enumerate(RULES.values())
)
_MOVES = """
    SELECT p.payment_no, e.from_status, e.to_status, e.capture_id IS NOT NULL
    FROM payments_paymentevent e JOIN payments_payment p ON p.id = e.payment_id
    WHERE e.from_status <> '' UNION ALL
    SELECT r.refund_no, e.from_status, e.to_status, NULL
    FROM payments_refundevent e JOIN payments_refund r ON r.id = e.refund_id
    WHERE e.from_status <> ''
"""


def broken(stage: Stage) -> Iterator[str]:
    """What does not hold, in words; nothing where all is well."""
    names = list(RULES)
    held = sum(stage.channel_named(name).held() for name in CHANNELS)
    with connection.cursor() as cursor:
        _prepare(cursor)
        cursor.execute("EXECUTE proof_rules(%s)", [held])
        for number, which in cursor.fetchall():
            yield f"not so: {names[number]} ({which})"
        cursor.execute(_MOVES)
        for number, was, to, is_capture in cursor.fetchall():
            if not _is_legal(was, to, is_capture):
                yield f"not so: only legal moves are made ({number}: {was} → {to})"


def _prepare(cursor: CursorWrapper) -> None:
    """Once a connection: to plan two dozen rules costs many times what they cost."""
    cursor.execute("SELECT EXISTS (SELECT FROM pg_prepared_statements WHERE name = 'proof_rules')")
    if not cursor.fetchone()[0]:
        cursor.execute("SET plan_cache_mode = force_generic_plan")
        cursor.execute(f"PREPARE proof_rules (bigint) AS {_ALL}")


def _is_legal(was: str, to: str, is_capture: bool | None) -> bool:
    if is_capture is None:
        return RefundStatus(to) in REFUND_MOVES[RefundStatus(was)]
    return was == to if is_capture else Status(to) in MOVES[Status(was)]
