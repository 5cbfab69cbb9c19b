"""What a statement's lines and our rows don't agree about, in SQL: one row for each finding.

A finding of the kind `settle` is money that we did not know of, which the door has to judge; the
others are kinds of differences. Amounts are minor units with their currency as text.
"""

from dataclasses import dataclass
from typing import Any

from django.db import connection

# Whether a line (l) is about other money than that which ended the payment (p): `settle`'s rule.
OTHER_CAPTURE = """(CASE
    WHEN l.capture_no <> '' AND p.capture_no <> '' THEN l.capture_no <> p.capture_no
    WHEN l.capture_no = '' AND p.capture_no = ''
        THEN l.channel_no <> p.channel_no AND '' NOT IN (l.channel_no, p.channel_no)
    ELSE false END)"""

_CREATE = """
    CREATE TEMPORARY TABLE statement_finding (
        n int, kind text NOT NULL, payment_no text NOT NULL, refund_no text NOT NULL,
        capture_no text NOT NULL, ours text NOT NULL, theirs text NOT NULL
    ) ON COMMIT DROP
"""
_PAYMENT_LINES = f"""
    INSERT INTO statement_finding
    SELECT l.n, found.kind, l.payment_no, l.refund_no, l.capture_no, found.ours, found.theirs
    FROM statement_line l
    LEFT JOIN payments_payment p ON p.payment_no = l.payment_no AND p.channel = %(channel)s
    CROSS JOIN LATERAL (SELECT
        coalesce(p.status IN %(money_came)s, false) AS money_came,
        coalesce(p.status IN %(money_came)s AND {OTHER_CAPTURE}, false) AS is_further,
        coalesce(nullif(p.received_merchant, ''), p.merchant) AS merchant
    ) AS our
    LEFT JOIN payments_furthercapture f ON our.is_further AND f.payment_id = p.id
        AND f.capture_no = coalesce(nullif(l.capture_no, ''), l.channel_no)
    CROSS JOIN LATERAL (SELECT
        our.money_came AND (NOT our.is_further OR f.id IS NOT NULL) AS is_known,
        CASE WHEN our.is_further THEN f.amount || ' ' || f.currency
            ELSE p.received_amount || ' ' || p.received_currency END AS ours,
        l.amount || ' ' || l.currency AS theirs
    ) AS money
    CROSS JOIN LATERAL (VALUES
        ('unknown_number', p.id IS NULL, '', money.theirs),
        ('settle', p.id IS NOT NULL AND NOT is_known, p.status, money.theirs),
        ('amount_differs', is_known AND money.ours <> money.theirs, money.ours, money.theirs),
        ('state_differs', is_known AND our.merchant <> l.merchant, our.merchant, l.merchant)
    ) AS found (kind, holds, ours, theirs)
    WHERE l.kind = 'payment' AND found.holds
"""  # noqa: S608  (its parts are ours, here and below)
_REFUND_LINES = """
    INSERT INTO statement_finding
    SELECT l.n, found.kind, l.payment_no, l.refund_no, l.capture_no, found.ours, found.theirs
    FROM statement_line l
    LEFT JOIN payments_payment p ON p.payment_no = l.payment_no AND p.channel = %(channel)s
    LEFT JOIN (payments_refund r JOIN payments_payment rp ON rp.id = r.payment_id)
        ON r.refund_no = l.refund_no AND rp.channel = %(channel)s
    CROSS JOIN LATERAL (SELECT
        -- What came back later had succeeded before: the line may be about that.
        CASE WHEN r.id IS NULL THEN false WHEN r.status = %(succeeded)s THEN true
            ELSE EXISTS (SELECT FROM payments_refundevent e
                WHERE e.refund_id = r.id AND e.to_status = %(succeeded)s) END AS is_known,
        coalesce(nullif(rp.received_merchant, ''), rp.merchant) AS merchant,
        r.amount || ' ' || r.currency AS money,
        l.amount || ' ' || l.currency AS their_money
    ) AS our
    CROSS JOIN LATERAL (VALUES
        ('unknown_number', r.id IS NULL AND p.id IS NULL, '', their_money),
        ('missing_here', r.id IS NULL AND p.id IS NOT NULL, '', their_money),
        ('settle', r.id IS NOT NULL AND NOT is_known, r.status, their_money),
        ('amount_differs', is_known AND our.money <> their_money, our.money, their_money),
        ('state_differs', is_known AND rp.payment_no <> l.payment_no, rp.payment_no, l.payment_no),
        ('state_differs', is_known AND our.merchant <> l.merchant, our.merchant, l.merchant)
    ) AS found (kind, holds, ours, theirs)
    WHERE l.kind = 'refund' AND found.holds
"""
_REPEATED_LINES = """
    INSERT INTO statement_finding
    SELECT max(n), 'state_differs', payment_no, refund_no, capture_no, 'once', count(*) || ' lines'
    FROM statement_line
    GROUP BY kind, payment_no, refund_no, capture_no, channel_no
    HAVING count(*) > 1
"""
_PAYMENTS_OF_THE_DAY = """
    FROM payments_payment p
    WHERE p.channel = %(channel)s AND p.status IN %(money_came)s
        AND p.paid_at >= %(begin)s AND p.paid_at < %(end)s
"""
_REFUNDS_OF_THE_DAY = """
    FROM payments_refund r JOIN payments_payment p ON p.id = r.payment_id
    WHERE p.channel = %(channel)s AND r.status = %(succeeded)s
        AND r.refunded_at >= %(begin)s AND r.refunded_at < %(end)s
"""
_MISSING_PAYMENTS = f"""
    INSERT INTO statement_finding
    SELECT NULL, 'missing_there', p.payment_no, '', p.capture_no,
        p.received_amount || ' ' || p.received_currency, ''
    {_PAYMENTS_OF_THE_DAY} AND NOT EXISTS (SELECT FROM statement_line l
        WHERE l.kind = 'payment' AND l.payment_no = p.payment_no AND NOT {OTHER_CAPTURE})
"""  # noqa: S608
_MISSING_REFUNDS = f"""
    INSERT INTO statement_finding
    SELECT NULL, 'missing_there', p.payment_no, r.refund_no, '', r.amount || ' ' || r.currency, ''
    {_REFUNDS_OF_THE_DAY} AND NOT EXISTS (SELECT FROM statement_line l
        WHERE l.kind = 'refund' AND l.refund_no = r.refund_no)
"""  # noqa: S608
_COUNTS = f"""
    SELECT (SELECT count(*) {_PAYMENTS_OF_THE_DAY}) + (SELECT count(*) {_REFUNDS_OF_THE_DAY}),
        (SELECT count(*) FROM statement_finding WHERE kind = 'missing_there'),
        (SELECT count(DISTINCT n) FROM statement_finding)
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Counts:
    """How many payments and refunds of ours belong to the day, how many of them have no line, and
    how many lines do not agree with our rows.
    """

    expected: int
    missing_there: int
    differing: int


def find(params: dict[str, Any]) -> Counts:
    """Compare both ways. Reads `statement_line`, and makes `statement_finding`."""
    with connection.cursor() as cursor:
        cursor.execute(_CREATE)
        for statement in (
            _PAYMENT_LINES,
            _REFUND_LINES,
            _REPEATED_LINES,
            _MISSING_PAYMENTS,
            _MISSING_REFUNDS,
        ):
            cursor.execute(statement, params)
        cursor.execute(_COUNTS, params)
        return Counts(*cursor.fetchone())
