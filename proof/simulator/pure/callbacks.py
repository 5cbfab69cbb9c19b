"""Callbacks: what `payments.services.callbacks` does, on plain rows."""

import datetime as dt
import hashlib
from collections.abc import Mapping

from common.kill_points import reach
from payments.channels.base import BadSignature, MalformedCallback, RefundReport, Report
from payments.channels.registry import get_channel
from payments.services.callbacks import CallbackNotSettled
from payments.states import Source, Verdict
from proof.simulator.pure.refunding import RefundFinding, settle_refunds
from proof.simulator.pure.rows import Evidence
from proof.simulator.pure.settling import Finding, settle
from proof.simulator.pure.store import Store

_JUDGE_AGAIN = frozenset({Verdict.PENDING, Verdict.FAILED, Verdict.ORPHAN, Verdict.CONTRADICTS})


def receive_callback(
    store: Store, *, channel: str, headers: Mapping[str, str], body: bytes, now: dt.datetime
) -> int:
    """Store a callback and settle it; returns the HTTP status that the channel reads.

    Raises `UnknownChannel`, `BadSignature`, `CallbackNotSettled`.
    """
    adapter = get_channel(channel)
    try:
        callback = adapter.parse_callback(headers=headers, body=body, now=now)
    except BadSignature:
        raise
    except MalformedCallback as error:
        digest = hashlib.sha256(body).hexdigest()
        with store.atomic():
            evidence = _keep(
                store, channel, f"unreadable:{digest}", headers=headers, body=body, now=now
            )
            evidence.verdict, evidence.error = Verdict.FAILED, repr(error)
        raise CallbackNotSettled from error
    with store.atomic():
        reach("callback.judged")  # before anything is written, as a rollback leaves it
        evidence = _keep(store, channel, callback.event_id, headers=headers, body=body, now=now)
        if evidence.verdict in _JUDGE_AGAIN:
            _judge(store, evidence, callback.report, now)
    reach("callback.committed")
    return callback.ack.status


def replay(store: Store, evidence: Evidence, now: dt.datetime) -> None:
    """An operator has a stored callback judged again, as of the time at which it came."""
    callback = get_channel(evidence.channel).parse_callback(
        headers=evidence.headers, body=evidence.body, now=evidence.received_at
    )
    with store.atomic():
        evidence.error = ""
        _judge(store, evidence, callback.report, now)


def _judge(
    store: Store, evidence: Evidence, report: Report | RefundReport | None, now: dt.datetime
) -> None:
    if report is None:
        evidence.verdict = Verdict.INCONCLUSIVE
        return
    evidence.report = report
    if isinstance(report, Report):
        settle(store, [Finding(evidence, report.payment_no, report)], now)
    else:
        settle_refunds(store, [RefundFinding(evidence, report.refund_no, report)], now)


def _keep(
    store: Store,
    channel: str,
    event_id: str,
    *,
    headers: Mapping[str, str],
    body: bytes,
    now: dt.datetime,
) -> Evidence:
    """Once: the key is the channel's event id; another content under it is other evidence."""
    digest = hashlib.sha256(body).hexdigest()
    for key in (event_id[:95], f"{event_id[:95]}#{digest}"):
        found = store.events.get((channel, key))
        if found and found.body == body:
            return found
        if found is None:
            break
    evidence = Evidence(channel, Source.CALLBACK, now, event_id=key, body=body, headers=headers)
    store.events[channel, key] = evidence
    return evidence
