"""The refunds' loop: claim what is due, push it into the future, send or ask, settle."""

import datetime as dt
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from django.db import transaction
from django.db.models import F, Q

from common.kill_points import reach
from payments import wake
from payments.channels.base import RefundState
from payments.channels.registry import get_refund_schedule
from payments.models import Evidence, Refund
from payments.selectors import get_refund
from payments.services.asking import RefundAnswer, ask_refund
from payments.services.batches import ask_again_at, later, settle_each
from payments.services.postponing import postpone_refunds
from payments.services.refunding.settling import RefundFinding, settle_refunds
from payments.states import OPEN_REFUND, RefundStatus, Source

BATCH = 50
THREADS = 16  # concurrent questions of one batch
LEASE = dt.timedelta(seconds=90)  # longer than a batch takes when every call runs into its deadline
# After so long a person looks: banks take days, but to accept is a matter of seconds.
SLOW_AFTER = {
    RefundStatus.REQUESTED: dt.timedelta(minutes=30),
    RefundStatus.PENDING: dt.timedelta(days=3),
}


def refund_due(*, now: dt.datetime) -> int:
    """Send or query one batch of refunds that are due; a full batch wakes another worker first."""
    wake.woken(wake.REFUND_DUE)
    refunds = _claim(Q(consult_due_at__lte=now), now)
    if len(refunds) == BATCH:
        wake.announce_each(wake.REFUND_DUE, [now - dt.timedelta(seconds=1)], now)
    _consult(refunds, source=Source.CONSULT, now=now)
    return len(refunds)


def query_refund_now(*, refund_no: str, now: dt.datetime, actor: str) -> Refund:
    """An operator asks the channel, whatever the refund's status. Returns it as it then is.

    Raises `UnknownRefund`.
    """
    refund = get_refund(refund_no=refund_no)
    refunds = _claim(Q(pk=refund.pk, status__in=OPEN_REFUND), now) if refund.is_open else [refund]
    _consult(refunds, source=Source.OPERATOR, now=now, actor=actor)
    return get_refund(refund_no=refund_no)


@transaction.atomic
def adopt_refunds(*, now: dt.datetime) -> int:
    """Give a due time to open refunds that have none, which no wake-up would ever find."""
    lost = Refund.objects.filter(status__in=OPEN_REFUND, consult_due_at=None).order_by("pk")
    keys = lost.select_for_update(skip_locked=True, no_key=True).values_list("pk", flat=True)
    return Refund.objects.filter(pk__in=list(keys)).update(consult_due_at=now)


@transaction.atomic
def _claim(due: Q, now: dt.datetime) -> list[Refund]:
    """Take a batch of due rows and push them one lease ahead; rows that others hold are skipped.

    In the objects that come back, `sent_at` is of the send before this one.
    """
    refunds = list(
        Refund.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
        .select_related("payment")
        .filter(due)
        .order_by("consult_due_at", "pk")[:BATCH]
    )
    lease = now + LEASE
    rows = Refund.objects.filter(pk__in=[refund.pk for refund in refunds])
    rows.filter(status=RefundStatus.REQUESTED).update(send_calls=F("send_calls") + 1, sent_at=now)
    rows.update(consult_due_at=lease, consults=F("consults") + 1)
    for refund in refunds:
        refund.consult_due_at = lease
        refund.send_calls += refund.status == RefundStatus.REQUESTED
    return refunds


def _consult(
    refunds: Sequence[Refund], *, source: Source, now: dt.datetime, actor: str = ""
) -> None:
    """Ask about a batch concurrently, store the answers, and settle them."""
    if not refunds:
        return
    reach("refund.claimed")
    started = time.monotonic()
    with ThreadPoolExecutor(max_workers=min(THREADS, len(refunds))) as pool:
        question = partial(ask_refund, at_any_price=source is Source.OPERATOR)
        asked = list(zip(refunds, pool.map(question, refunds), strict=True))
    now = later(now, started)
    postpone_refunds([refund for refund, answer in asked if answer.no_budget], now)
    answered = [(refund, answer) for refund, answer in asked if not answer.no_budget]
    if not answered:
        return
    evidence = Evidence.objects.bulk_create(
        Evidence(
            payment=refund.payment,
            payment_no=refund.payment.payment_no,
            refund=refund,
            refund_no=refund.refund_no,
            channel=refund.payment.channel,
            source=_source(refund, source),
            body=_body_worth_keeping(answer),
            error=answer.error,
            received_at=now,
            actor=actor,
        )
        for refund, answer in answered
    )
    reach("refund.stored")
    findings = [
        _finding(refund, answer, row, now)
        for (refund, answer), row in zip(answered, evidence, strict=True)
    ]
    settle_each(settle_refunds, findings, now)
    reach("refund.settled")
    due_times = [each.ask_again_at for each in findings if each.ask_again_at]
    wake.announce_each(wake.REFUND_DUE, due_times, now)


def _source(refund: Refund, asked_by: Source) -> Source:
    """The first question is the request itself."""
    first = refund.status == RefundStatus.REQUESTED and refund.send_calls == 1
    return Source.START if asked_by is Source.CONSULT and first else asked_by


def _finding(
    refund: Refund, answer: RefundAnswer, evidence: Evidence, now: dt.datetime
) -> RefundFinding:
    age = now - refund.created_at
    return RefundFinding(
        evidence=evidence,
        refund_no=refund.refund_no,
        report=answer.report,
        refused=answer.refused,
        sent_before=refund.sent_at,
        asked_at=now,
        ask_again_at=ask_again_at(
            started_at=refund.created_at,
            schedule=get_refund_schedule(refund.payment.channel),
            retry_after=answer.retry_after,
            now=now,
        ),
        lease=refund.consult_due_at,
        slow_lane=age >= SLOW_AFTER.get(RefundStatus(refund.status), dt.timedelta.max),
    )


def _body_worth_keeping(answer: RefundAnswer) -> bytes:
    """The raw answer, unless it told nothing new."""
    if answer.report is None or answer.report.state in (RefundState.PENDING, RefundState.NOT_FOUND):
        return b""
    return answer.report.raw.encode()
