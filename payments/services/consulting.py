"""Asking the channels. One loop: claim what is due, push it into the future, ask, settle.

The push (the lease) comes before the question, so that a crash anywhere leaves a row that is due
again.
"""

import datetime as dt
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import structlog
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce, TruncSecond

from alerts.services import raise_alert, withdraw_alert
from common.kill_points import reach
from payments import wake
from payments.channels.base import ChannelState
from payments.channels.registry import get_schedule
from payments.consult import in_slow_lane
from payments.models import Evidence, Payment, Refund
from payments.selectors import get_payment
from payments.services.asking import Answer, ask
from payments.services.batches import ask_again_at, later, settle_each
from payments.services.heartbeats import heartbeat
from payments.services.postponing import postpone_payments
from payments.services.settling import Finding, settle
from payments.states import IN_FOG, Source, Verdict

log = structlog.get_logger(__name__)

BATCH = 50
THREADS = 16  # concurrent questions of one batch
FORGOTTEN = dt.timedelta(hours=1)
LEASE = dt.timedelta(seconds=90)  # longer than a batch takes when every call runs into its deadline
OVERDUE = dt.timedelta(seconds=5)  # what the sweep leaves to the wake-ups
# Seconds after a close was asked for at which it is asked for again, until the channel's word.
CLOSE_SCHEDULE = (2.0, 5.0, 15.0, 30.0, 60.0, 180.0, 600.0, 1800.0)
RETURN_THROTTLE = dt.timedelta(seconds=5)
SWEEP_SECONDS = 50.0  # a sweep ends before beat sends the next one


def consult_due(*, now: dt.datetime) -> int:
    """Consult about one batch of due payments; a full batch wakes another worker first."""
    wake.woken(wake.CONSULT_DUE)
    payments = _claim(Q(consult_due_at__lte=now), now)
    if len(payments) == BATCH:
        wake.announce_consult(due_at=now, now=now)
    _consult(payments, source=Source.CONSULT, now=now)
    return len(payments)


def announce_due(*, now: dt.datetime) -> None:
    """Publish the wake-ups of those seconds of the next minute in which something comes due."""
    soon = now + dt.timedelta(seconds=wake.AHEAD)
    for task, rows in ((wake.CONSULT_DUE, Payment.objects), (wake.REFUND_DUE, Refund.objects)):
        seconds = (
            rows.filter(consult_due_at__gt=now, consult_due_at__lte=soon)
            .annotate(second=TruncSecond("consult_due_at"))
            .order_by("second")
            .values_list("second", flat=True)
            .distinct()
        )
        wake.announce_each(task, seconds, now)


def sweep(*, now: dt.datetime, hours: float) -> int:
    """The backstop: consult about what is overdue, and what is in the fog without a due time.

    Looks at payments started within `hours`; older ones are left to their next wake-up, with a
    warning. Works in batches until nothing is left or its time is up; two sweeps share the rows.
    """
    started = time.monotonic()
    recent = Q(created_at__gte=_window_start(now, hours))
    overdue = Q(consult_due_at__lte=now - OVERDUE)
    while _adopt(recent, now - OVERDUE):
        pass
    count = 0
    while time.monotonic() - started < SWEEP_SECONDS:
        payments = _claim(overdue & recent, later(now, started))
        if not payments:
            break
        _consult(payments, source=Source.SWEEP, now=later(now, started))
        count += len(payments)
    older = Payment.objects.filter(overdue & ~recent).count()
    if older:
        detail = f"{older} payments started more than {hours} hours ago"
        raise_alert("alert.overdue_beyond_sweep", detail=detail, now=now)
    else:
        withdraw_alert("alert.overdue_beyond_sweep", subject="", why="none is overdue", now=now)
    heartbeat(name="sweep", now=now)
    return count


def _window_start(now: dt.datetime, hours: float) -> dt.datetime:
    """What ops entered by mistake must never stop the sweep: it then looks at everything."""
    try:
        start = now - dt.timedelta(hours=hours)
    except (TypeError, ValueError, OverflowError):
        start = now
    if start < now:
        return start
    raise_alert("alert.sweep_hours", detail=f"the sweep was given hours={hours!r}", now=now)
    return dt.datetime.min.replace(tzinfo=dt.UTC)


def judge_forgotten(*, now: dt.datetime) -> int:
    """Answers whose process died before they were judged: the channel was asked again since.

    Not callbacks, which are judged where they are stored, nor lines of statements, which are taken
    up again.
    """
    asked = Evidence.objects.exclude(source__in=[Source.CALLBACK, Source.STATEMENT])
    forgotten = asked.filter(verdict=Verdict.PENDING, received_at__lt=now - FORGOTTEN)
    return forgotten.update(verdict=Verdict.INCONCLUSIVE, error="nobody was left to judge it")


def pull_forward(*, payment_no: str, now: dt.datetime) -> bool:
    """The shopper is back from the wallet: consult now, once in five seconds at most."""
    pulled = Payment.objects.filter(
        Q(returned_at=None) | Q(returned_at__lte=now - RETURN_THROTTLE),
        payment_no=payment_no,
        status__in=IN_FOG,
    ).update(returned_at=now, consult_due_at=now)
    if pulled:
        wake.consult_on_commit(due_at=now, now=now)
    return bool(pulled)


def close_payment(*, payment_no: str, now: dt.datetime) -> Payment:
    """Ask that a payment be closed: query, close at the channel, query; only its word counts.

    Returns the payment as it then is: perhaps succeeded, perhaps still in the fog. From now on
    every consult of it asks for the close again.
    """
    close_payments(payment_nos=[payment_no], now=now)
    return get_payment(payment_no=payment_no)


def close_payments(*, payment_nos: Sequence[str], now: dt.datetime) -> None:
    """The same for those of many that are in the fog, at once; `BATCH` of them at the most."""
    if not payment_nos:
        return
    in_fog = Q(payment_no__in=payment_nos, status__in=IN_FOG)
    _ask_to_close(in_fog, now)
    reach("close.asked")
    _consult(_claim(in_fog, now), source=Source.CLOSE, now=now)
    reach("close.settled")


@transaction.atomic
def _ask_to_close(in_fog: Q, now: dt.datetime) -> None:
    """Locked in the order of the key, as `settle` does: an UPDATE alone takes any order."""
    locked = Payment.objects.select_for_update(no_key=True).filter(in_fog).order_by("pk")
    keys = list(locked.values_list("pk", flat=True))
    Payment.objects.filter(pk__in=keys).update(close_asked_at=Coalesce("close_asked_at", now))


def have_closed(*, order_no: str, now: dt.datetime) -> int:
    """Have what is in the fog of an order closed by the next consult, which is due now.

    For who must not wait for a channel: it belongs into a transaction.
    """
    asked = Payment.objects.filter(order_no=order_no, status__in=IN_FOG).update(
        close_asked_at=Coalesce("close_asked_at", now), consult_due_at=now
    )
    if asked:
        wake.consult_on_commit(due_at=now, now=now)
    return asked


def query_now(*, payment_no: str, now: dt.datetime, actor: str) -> Payment:
    """An operator asks the channel, whatever the payment's status. Returns it as it then is."""
    payment = get_payment(payment_no=payment_no)
    if payment.in_fog:
        _consult_one(payment_no, source=Source.OPERATOR, now=now, actor=actor)
    else:
        _consult([payment], source=Source.OPERATOR, now=now, actor=actor)
    return get_payment(payment_no=payment_no)


def _consult_one(payment_no: str, *, source: Source, now: dt.datetime, actor: str = "") -> None:
    payments = _claim(Q(payment_no=payment_no, status__in=IN_FOG), now)
    _consult(payments, source=source, now=now, actor=actor)


@transaction.atomic
def _claim(due: Q, now: dt.datetime) -> list[Payment]:
    """Take a batch of due rows and push them one lease ahead; rows that others hold are skipped."""
    payments = list(
        Payment.objects.select_for_update(skip_locked=True, no_key=True)
        .filter(due)
        .order_by("consult_due_at", "pk")[:BATCH]
    )
    lease = now + LEASE
    Payment.objects.filter(pk__in=[payment.pk for payment in payments]).update(
        consult_due_at=lease, consults=F("consults") + 1
    )
    for payment in payments:
        payment.consult_due_at = lease
    return payments


@transaction.atomic
def _adopt(recent: Q, due_at: dt.datetime) -> int:
    """Give a due time to payments in the fog that have none, which no wake-up would ever find."""
    lost = list(
        Payment.objects.select_for_update(skip_locked=True, no_key=True)
        .filter(recent, status__in=IN_FOG, consult_due_at=None)
        .order_by("pk")
        .values_list("pk", flat=True)[: BATCH * 10]
    )
    return Payment.objects.filter(pk__in=lost).update(consult_due_at=due_at)


def _consult(
    payments: Sequence[Payment], *, source: Source, now: dt.datetime, actor: str = ""
) -> None:
    """Ask about a batch concurrently, store the answers, and settle them."""
    if not payments:
        return
    reach("consult.claimed")
    started = time.monotonic()
    # Where the budget is short, those whose shopper has just come back are asked about first.
    payments = sorted(payments, key=_was_pulled, reverse=True)
    with ThreadPoolExecutor(max_workers=min(THREADS, len(payments))) as pool:
        question = partial(ask, now=now, at_any_price=source is Source.OPERATOR)
        asked = list(zip(payments, pool.map(question, payments), strict=True))
    reach("consult.asked")
    now = later(now, started)
    postpone_payments([payment for payment, answer in asked if answer.no_budget], now)
    answered = [(payment, answer) for payment, answer in asked if not answer.no_budget]
    if not answered:
        return
    evidence = Evidence.objects.bulk_create(
        Evidence(
            payment=payment,
            payment_no=payment.payment_no,
            channel=payment.channel,
            source=_source(payment, source),
            body=_body_worth_keeping(answer),
            error=answer.error,
            received_at=now,
            actor=actor,
        )
        for payment, answer in answered
    )
    findings = [
        _finding(payment, answer, row, now)
        for (payment, answer), row in zip(answered, evidence, strict=True)
    ]
    settle_each(settle, findings, now)
    reach("consult.settled")
    due_times = [finding.ask_again_at for finding in findings if finding.ask_again_at]
    wake.announce_each(wake.CONSULT_DUE, due_times, now)


def _source(payment: Payment, asked_by: Source) -> Source:
    """A consult that the shopper's return pulled forward is the return's."""
    pulled = asked_by is Source.CONSULT and _was_pulled(payment)
    return Source.RETURN if pulled else asked_by


def _was_pulled(payment: Payment) -> bool:
    """Whether the shopper has come back since the channel was last asked."""
    back = payment.returned_at
    return back is not None and (payment.consulted_at is None or back > payment.consulted_at)


def _finding(payment: Payment, answer: Answer, evidence: Evidence, now: dt.datetime) -> Finding:
    schedule = get_schedule(payment.channel)
    return Finding(
        evidence=evidence,
        payment_no=payment.payment_no,
        report=answer.report,
        asked_at=now,
        ask_again_at=_again_at(payment, answer, now),
        lease=payment.consult_due_at,
        slow_lane=in_slow_lane(started_at=payment.created_at, now=now, schedule=schedule),
    )


def _again_at(payment: Payment, answer: Answer, now: dt.datetime) -> dt.datetime:
    """By the payment's age; where a close was asked for, also by the time since then."""
    starts = [(payment.created_at, get_schedule(payment.channel))]
    if payment.close_asked_at:
        starts.append((payment.close_asked_at, CLOSE_SCHEDULE))
    return min(
        ask_again_at(
            started_at=started_at, schedule=schedule, retry_after=answer.retry_after, now=now
        )
        for started_at, schedule in starts
    )


def _body_worth_keeping(answer: Answer) -> bytes:
    """The raw answer, unless it told nothing new: such rows only complete the timeline."""
    if answer.report is None or answer.report.state in (
        ChannelState.PENDING,
        ChannelState.NOT_FOUND,
    ):
        return b""
    return answer.report.raw.encode()
