"""Money that only the statement tells of goes through the same doors as all other news."""

import datetime as dt
import json
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from django.db import connection

from payments.channels.base import ChannelState, RefundReport, RefundState, Report
from payments.models import Evidence
from payments.services.batches import Found, settle_each
from payments.services.refunding import RefundFinding, settle_refunds
from payments.services.settling import Finding, settle
from payments.states import Verdict

BATCH = 500

_WRITE = """
    CREATE TEMPORARY TABLE statement_evidence ON COMMIT DROP AS
    SELECT l.n, l.payment_no, l.refund_no, written.body,
        'statement:' || l.day || ':' || encode(sha256(written.body), 'hex') AS event_id
    FROM statement_finding f JOIN statement_line l ON l.n = f.n
    CROSS JOIN LATERAL (SELECT convert_to(json_build_object('kind', l.kind,
        'payment_no', l.payment_no, 'refund_no', l.refund_no, 'channel_no', l.channel_no,
        'capture_no', l.capture_no, 'amount', l.amount, 'currency', l.currency,
        'merchant', l.merchant, 'at', l.at)::text, 'UTF8') AS body) AS written
    WHERE f.kind = 'settle'
"""
_KEEP = """
    INSERT INTO payments_evidence (channel, event_id, source, headers, body, received_at,
        payment_no, refund_no, claim, error, actor, verdict, times_received)
    SELECT %(channel)s, event_id, %(source)s, '{}', body, %(now)s,
        payment_no, refund_no, '', '', '', %(pending)s, 1
    FROM statement_evidence ORDER BY n
    ON CONFLICT (channel, event_id) DO NOTHING
"""
# What the door has refused before is a difference for a person.
_NAME = """
    UPDATE statement_finding f SET kind = CASE
        WHEN e.verdict IN ('contradicts', 'orphan', 'inconclusive') THEN 'state_differs'
        ELSE 'missing_here' END
    FROM statement_evidence s JOIN payments_evidence e
        ON e.channel = %(channel)s AND e.event_id = s.event_id
    WHERE f.kind = 'settle' AND f.n = s.n
"""
_TO_SETTLE = """
    SELECT e.id FROM statement_evidence s JOIN payments_evidence e
        ON e.channel = %(channel)s AND e.event_id = s.event_id
    WHERE e.verdict IN ('pending', 'failed') GROUP BY e.id ORDER BY e.id
"""


def keep_evidence(params: dict[str, Any]) -> list[int]:
    """Store the lines that the door has to judge, once however often they are read.

    Names their findings as differences; returns the keys of the evidence that waits for the door.
    """
    with connection.cursor() as cursor:
        for statement in (_WRITE, _KEEP, _NAME):
            cursor.execute(statement, params)
        cursor.execute(_TO_SETTLE, params)
        return [pk for (pk,) in cursor.fetchall()]


def settle_lines(evidence: Sequence[int], now: dt.datetime) -> tuple[int, int]:
    """Have stored lines judged in batches; returns how many were taken, and how many broke."""
    taken = broken = 0
    keys = iter(evidence)
    while batch := list(islice(keys, BATCH)):
        rows = Evidence.objects.filter(pk__in=batch)
        lines = [(row, json.loads(bytes(row.body))) for row in rows.order_by("pk")]
        payments = [each for each in lines if not each[0].refund_no]
        refunds = [each for each in lines if each[0].refund_no]
        settle_each(settle, _findings(_of_payment, payments), now)
        settle_each(settle_refunds, _findings(_of_refund, refunds), now)
        taken += rows.filter(verdict__in=[Verdict.APPLIED, Verdict.REPEATED]).count()
        broken += rows.filter(verdict__in=[Verdict.PENDING, Verdict.FAILED]).count()
    return taken, broken


def _findings(
    read: Callable[[Evidence, dict[str, Any]], Found], lines: Sequence[tuple[Evidence, Any]]
) -> list[Found]:
    """What the lines say; one that makes no sense is kept as failed, and hides no other."""
    found = []
    for evidence, line in lines:
        try:
            found.append(read(evidence, line))
        except ValueError as error:
            row = Evidence.objects.filter(pk=evidence.pk)
            row.update(verdict=Verdict.FAILED, error=repr(error))
    return found


def _of_payment(evidence: Evidence, line: dict[str, Any]) -> Finding:
    report = Report(
        payment_no=line["payment_no"],
        state=ChannelState.PAID,
        amount=line["amount"],
        currency=line["currency"],
        merchant=line["merchant"],
        channel_no=line["channel_no"],
        capture_no=line["capture_no"],
        paid_at=dt.datetime.fromisoformat(line["at"]),
    )
    return Finding(evidence=evidence, payment_no=report.payment_no, report=report)


def _of_refund(evidence: Evidence, line: dict[str, Any]) -> RefundFinding:
    report = RefundReport(
        refund_no=line["refund_no"],
        payment_no=line["payment_no"],
        state=RefundState.SUCCEEDED,
        amount=line["amount"],
        currency=line["currency"],
        channel_no=line["channel_no"],
        refunded_at=dt.datetime.fromisoformat(line["at"]),
    )
    return RefundFinding(evidence=evidence, refund_no=report.refund_no, report=report)
