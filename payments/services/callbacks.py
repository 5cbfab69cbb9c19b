"""Callbacks: verified before parsed, stored before judged, answered after commit."""

import datetime as dt
import hashlib
import json
from collections.abc import Mapping

import structlog
from django.core.cache import cache
from django.db import connection, transaction

from common.kill_points import reach
from payments.channels.base import (
    Ack,
    BadSignature,
    Callback,
    MalformedCallback,
    RefundReport,
    Report,
)
from payments.channels.registry import channel_names, get_channel
from payments.models import Evidence
from payments.services.refunding import RefundFinding, settle_refunds
from payments.services.settling import Finding, settle
from payments.states import Source, Verdict

log = structlog.get_logger(__name__)

# What contradicted may fit later: a refund that failed and was done after all, once another failed.
_JUDGE_AGAIN = frozenset({Verdict.PENDING, Verdict.FAILED, Verdict.ORPHAN, Verdict.CONTRADICTS})
_SECRET_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization"})


class CallbackNotSettled(Exception):
    """The callback is kept, but could not be settled: the channel must send it again."""


def receive_callback(
    *, channel: str, headers: Mapping[str, str], body: bytes, now: dt.datetime
) -> Ack:
    """Store a callback, settle it, and return what the channel wants to read.

    Header names in lower case, `body` as it came. Raises `UnknownChannel`; `BadSignature`, with
    nothing stored but a counter; `CallbackNotSettled` with the raw callback kept as failed.
    """
    adapter = get_channel(channel)
    try:
        callback = adapter.parse_callback(headers=headers, body=body, now=now)
    except BadSignature:
        _count_rejected(channel, now)
        raise
    except MalformedCallback as error:
        unreadable = f"unreadable:{hashlib.sha256(body).hexdigest()}"
        _mark_failed(_store(channel, unreadable, headers, body, now), error)
        raise CallbackNotSettled from error
    with transaction.atomic():
        evidence = _store(channel, callback.event_id, headers, body, now)
        failure = None
        if evidence.verdict in _JUDGE_AGAIN:
            failure = _judge(evidence, callback, now)
        reach("callback.judged")
    reach("callback.committed")
    if failure:
        raise CallbackNotSettled from failure
    return callback.ack


def replay_callback(*, evidence_id: int, now: dt.datetime, actor: str) -> Evidence:
    """An operator has a stored callback judged again, as of the time at which it came.

    Raises `BadSignature` or `MalformedCallback` when it still can't be read, `CallbackNotSettled`
    when it still can't be settled.
    """
    evidence = Evidence.objects.get(pk=evidence_id, source=Source.CALLBACK)
    callback = get_channel(evidence.channel).parse_callback(
        headers=evidence.headers, body=bytes(evidence.body), now=evidence.received_at
    )
    Evidence.objects.filter(pk=evidence_id).update(actor=actor)
    with transaction.atomic():
        evidence = Evidence.objects.select_for_update(no_key=True).get(pk=evidence_id)
        evidence.error = ""
        failure = _judge(evidence, callback, now)
    if failure:
        raise CallbackNotSettled from failure
    return Evidence.objects.get(pk=evidence_id)


def rejected_today(*, now: dt.datetime) -> dict[str, int]:
    """How many callbacks were refused for their signature today (UTC), by channel."""
    return {name: int(cache.get(_counter(name, now)) or 0) for name in channel_names()}


def _judge(evidence: Evidence, callback: Callback, now: dt.datetime) -> Exception | None:
    """Settle in a savepoint (settle's own), so that the stored callback outlives a failure."""
    report = callback.report
    if report is None:
        Evidence.objects.filter(pk=evidence.pk).update(verdict=Verdict.INCONCLUSIVE)
        return None
    try:
        _settle(evidence, report, now)
    except Exception as error:
        log.exception("settling_failed", evidence=evidence.pk)
        _mark_failed(evidence, error)
        return error
    return None


def _settle(evidence: Evidence, report: Report | RefundReport, now: dt.datetime) -> None:
    if isinstance(report, Report):
        finding = Finding(evidence=evidence, payment_no=report.payment_no, report=report)
        settle(findings=[finding], now=now)
    else:
        about = RefundFinding(evidence=evidence, refund_no=report.refund_no, report=report)
        settle_refunds(findings=[about], now=now)


def _store(
    channel: str, event_id: str, headers: Mapping[str, str], body: bytes, now: dt.datetime
) -> Evidence:
    """Store it once: a repeat only counts up. The row's lock lets concurrent repeats queue.

    The key is the channel's event id; another content under a known id is other evidence.
    """
    digest = hashlib.sha256(body).hexdigest()
    kept = {name: value for name, value in headers.items() if name not in _SECRET_HEADERS}
    for key in (event_id[:95], f"{event_id[:95]}#{digest}"):
        evidence = _upsert(channel, key, kept, body, now)
        if hashlib.sha256(bytes(evidence.body)).hexdigest() == digest:
            break
    return evidence


def _upsert(
    channel: str, event_id: str, headers: dict[str, str], body: bytes, now: dt.datetime
) -> Evidence:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO payments_evidence (channel, event_id, source, headers, body, received_at,
                payment_no, claim, error, actor, verdict, times_received)
            VALUES (%s, %s, %s, %s, %s, %s, '', '', '', '', %s, 1)
            ON CONFLICT (channel, event_id)
                DO UPDATE SET times_received = payments_evidence.times_received + 1
            RETURNING id, verdict, body
            """,
            [channel, event_id, Source.CALLBACK, json.dumps(headers), body, now, Verdict.PENDING],
        )
        pk, verdict, stored = cursor.fetchone()
    return Evidence(
        pk=pk, channel=channel, source=Source.CALLBACK, verdict=verdict, body=bytes(stored)
    )


def _mark_failed(evidence: Evidence, error: Exception) -> None:
    Evidence.objects.filter(pk=evidence.pk).update(verdict=Verdict.FAILED, error=repr(error))


def _count_rejected(channel: str, now: dt.datetime) -> None:
    """Count in the cache, so that a flood of forgeries writes nothing to the database."""
    try:
        cache.add(_counter(channel, now), 0, timeout=2 * 24 * 3600)
        cache.incr(_counter(channel, now))
    except Exception as error:  # noqa: BLE001  (a lost count must not change the answer)
        log.warning("cache_unavailable", error=repr(error))


def _counter(channel: str, now: dt.datetime) -> str:
    return f"callbacks:rejected:{channel}:{now.date()}"
