"""Differences as rows: found ones are kept once, and those that have healed resolve themselves."""

from typing import Any

from django.db import connection

from payments.services.statements.finding import OTHER_CAPTURE

GONE = "gone from the statement"
ARRIVED = "the line has come"
SETTLED = "settled from the statement"

_GROUP = """
    CREATE TEMPORARY TABLE statement_found ON COMMIT DROP AS
    SELECT kind, left(payment_no, 64) AS payment_no, left(refund_no, 64) AS refund_no,
        left(capture_no, 128) AS capture_no,
        left(string_agg(DISTINCT ours, '; '), 200) AS ours,
        left(string_agg(DISTINCT theirs, '; '), 200) AS theirs
    FROM statement_finding GROUP BY 1, 2, 3, 4
"""
# What a person has resolved stays so; what had healed by itself and is back is open again.
_KEEP = """
    INSERT INTO payments_difference AS d (statement_id, kind, payment_no, refund_no, capture_no,
        ours, theirs, found_at, resolution, resolved_by)
    SELECT %(statement)s, kind, payment_no, refund_no, capture_no, ours, theirs, %(now)s, '', ''
    FROM statement_found
    ON CONFLICT (statement_id, kind, payment_no, refund_no, capture_no) DO UPDATE
        SET ours = EXCLUDED.ours, theirs = EXCLUDED.theirs, resolved_at = NULL, resolution = ''
        WHERE d.resolved_by = '' AND (d.resolution IN (%(gone)s, %(arrived)s)
            OR d.resolved_at IS NULL AND (d.ours, d.theirs) <> (EXCLUDED.ours, EXCLUDED.theirs))
"""
_RESOLVE_GONE = """
    UPDATE payments_difference d SET resolved_at = %(now)s,
        resolution = CASE kind WHEN 'missing_there' THEN %(arrived)s ELSE %(gone)s END
    WHERE statement_id = %(statement)s AND resolved_at IS NULL AND NOT EXISTS (
        SELECT FROM statement_found f WHERE (f.kind, f.payment_no, f.refund_no, f.capture_no)
            = (d.kind, d.payment_no, d.refund_no, d.capture_no))
"""
_JUDGED = """
    FROM payments_evidence e
    WHERE d.statement_id = %(statement)s AND d.kind = 'missing_here' AND d.resolved_at IS NULL
        AND e.channel = %(channel)s AND e.source = %(source)s
        AND starts_with(e.event_id, 'statement:' || %(day)s || ':')
        AND e.payment_no = d.payment_no AND e.refund_no = d.refund_no
        AND convert_from(e.body, 'UTF8')::json ->> 'capture_no' = d.capture_no
"""
_RESOLVE_SETTLED = f"""
    UPDATE payments_difference d SET resolved_at = %(now)s, resolution = %(settled)s
    {_JUDGED} AND e.verdict IN ('applied', 'repeated')
"""  # noqa: S608  (its parts are ours, here and below)
_LEAVE_REFUSED = f"""
    UPDATE payments_difference d SET kind = 'state_differs'
    {_JUDGED} AND e.verdict IN ('contradicts', 'orphan', 'inconclusive')
        AND NOT EXISTS (SELECT FROM payments_difference o WHERE o.statement_id = d.statement_id
            AND (o.kind, o.payment_no, o.refund_no, o.capture_no)
                = ('state_differs', d.payment_no, d.refund_no, d.capture_no))
"""  # noqa: S608
_RESOLVE_ELSEWHERE = f"""
    UPDATE payments_difference d SET resolved_at = %(now)s,
        resolution = 'in the statement of ' || l.day
    FROM payments_statement s, statement_line l, payments_payment p
    WHERE d.statement_id = s.id AND s.channel = %(channel)s AND l.day <> s.day
        AND d.kind = 'missing_there' AND d.resolved_at IS NULL AND p.payment_no = d.payment_no
        AND l.payment_no = d.payment_no AND l.refund_no = d.refund_no
        AND (l.kind = 'refund' OR NOT {OTHER_CAPTURE})
"""  # noqa: S608


def record(params: dict[str, Any]) -> None:
    """Keep the findings as differences; open ones that are found no more have healed."""
    _execute(_GROUP, params)
    _execute(_KEEP, params)
    resolve_settled(params)
    _execute(_RESOLVE_GONE, params)


def resolve_settled(params: dict[str, Any]) -> None:
    """What the door has taken is no difference any more; what it refused is for a person."""
    _execute(_RESOLVE_SETTLED, params)
    _execute(_LEAVE_REFUSED, params)


def resolve_elsewhere(params: dict[str, Any]) -> None:
    """Lines that were missing in one day's statement, and are in that of another day."""
    _execute(_RESOLVE_ELSEWHERE, params)


def _execute(statement: str, params: dict[str, Any]) -> None:
    texts = {"gone": GONE, "arrived": ARRIVED, "settled": SETTLED}
    with connection.cursor() as cursor:
        cursor.execute(statement, params | texts)
