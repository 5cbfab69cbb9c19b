"""Asking the channels: what `payments.services.consulting` and `.starting` do, on plain rows."""

import datetime as dt
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, cast

from django.conf import settings
from django.db import InterfaceError, OperationalError

from common.kill_points import reach
from payments import models, wake
from payments.channels.base import (
    ChannelError,
    ChannelState,
    Charge,
    DefiniteNo,
    NotExecuted,
    Report,
)
from payments.channels.registry import get_channel, get_schedule
from payments.consult import in_slow_lane, next_consult_at
from payments.services.asking import Answer, ask
from payments.services.batches import RATE_LIMIT_SPREAD
from payments.services.consulting import (
    BATCH,
    CLOSE_SCHEDULE,
    LEASE,
    OVERDUE,
    RETURN_THROTTLE,
    SWEEP_SECONDS,
)
from payments.services.starting import LEAST_TIME, AnotherPaymentInFog
from payments.states import Source, Status, Verdict
from proof.simulator.pure.rows import Event, Evidence, Order, Payment
from proof.simulator.pure.settling import Finding, settle
from proof.simulator.pure.store import Store


def open_payment(
    store: Store, order: Order, *, channel: str, return_url: str, now: dt.datetime
) -> Payment:
    """Write the row of a new payment. Raises `AnotherPaymentInFog`."""
    other = order.fog
    if other:
        raise AnotherPaymentInFog(cast("models.Payment", other))
    usual = now + dt.timedelta(seconds=settings.PAYMENT_EXPIRES_AFTER)
    due_at = now + dt.timedelta(seconds=get_schedule(channel)[0])
    pk = store.next_pk()
    payment = Payment(
        pk=pk,
        payment_no=f"P{pk:015}",
        order=order,
        channel=channel,
        merchant=get_channel(channel).merchant,
        subject=f"Order {order.order_no}",
        amount=order.total,
        currency=order.currency,
        return_url=return_url,
        idempotency_key=f"key{pk}",
        created_at=now,
        expires_at=max(now + LEAST_TIME, min(usual, order.expires_at)),
        consult_due_at=due_at,
    )
    event = Event(
        pk=store.next_pk(),
        seq=1,
        was="",
        to=Status.CREATED,
        source=Source.START,
        due_at=now,
        payment=payment,
    )
    payment.events.append(event)
    store.payments[payment.payment_no] = payment
    order.payments.append(payment)
    store.consults.put(pk, payment)
    store.relays.put(event.pk, event)
    store.moved.append(event)
    store.announce_on_commit(wake.CONSULT_DUE, due_at, now)
    return payment


def create_at_channel(store: Store, payment: Payment, now: dt.datetime) -> None:
    """Make the payment known to its channel."""
    with store.atomic():
        if not payment.in_fog or payment.has_action:
            return
        payment.create_calls += 1
    created, channel_no, claim, error = _create(payment)
    with store.atomic():
        payment.has_action = payment.has_action or created
    evidence = Evidence(payment.channel, Source.START, now, payment.payment_no, error=error)
    report = Report(
        payment_no=payment.payment_no, state=ChannelState.PENDING, channel_no=channel_no
    )
    finding = Finding(evidence, payment.payment_no, report if created else None, claim)
    settle(store, [finding], now)


def _create(payment: Payment) -> tuple[bool, str, Status | None, str]:
    charge = Charge(
        payment_no=payment.payment_no,
        idempotency_key=payment.idempotency_key,
        amount=payment.amount,
        currency=payment.currency,
        subject=payment.subject,
        expires_at=payment.expires_at,
        return_url=payment.return_url,
        notify_url=f"{settings.PUBLIC_URL}/callbacks/{payment.channel}/",
    )
    try:
        created = get_channel(payment.channel).create(charge)
    except (DefiniteNo, NotExecuted) as error:
        only_call = payment.create_calls == 1
        return False, "", Status.FAILED if only_call else None, str(error)
    except ChannelError as error:
        return False, "", Status.PAYING, str(error)
    except Exception as error:  # noqa: BLE001  (a channel's code that breaks)
        return False, "", Status.PAYING, repr(error)
    return True, created.channel_no, Status.PAYING, ""


def consult_due(store: Store, now: dt.datetime) -> int:
    """Consult about one batch of due payments; a full batch wakes another worker first."""
    store.woken(wake.CONSULT_DUE)
    payments = _claim_due(store, now, now)
    if len(payments) == BATCH:
        store.announce(wake.CONSULT_DUE, now, now)
    _consult(store, payments, Source.CONSULT, now)
    return len(payments)


def announce_due(store: Store, now: dt.datetime) -> None:
    """Publish the wake-ups of those seconds of the next minute in which something comes due."""
    soon = now + dt.timedelta(seconds=wake.AHEAD)
    store.announce_each(wake.CONSULT_DUE, store.consults.within(now, soon), now)
    store.announce_each(wake.REFUND_DUE, store.refund_consults.within(now, soon), now)


def sweep(store: Store, now: dt.datetime) -> int:
    """The backstop: consult about what is overdue."""
    started, count = store.around.stopwatch(), 0
    while (spent := store.around.stopwatch() - started) < SWEEP_SECONDS:
        at = now + dt.timedelta(seconds=spent)
        payments = _claim_due(store, now - OVERDUE, at)
        if not payments:
            break
        _consult(store, payments, Source.SWEEP, at)
        count += len(payments)
    return count


def pull_forward(store: Store, payment: Payment, now: dt.datetime) -> bool:
    """The shopper is back from the wallet: consult now, once in five seconds at most."""
    with store.atomic():
        back = payment.returned_at
        if not payment.in_fog or (back is not None and back > now - RETURN_THROTTLE):
            return False
        payment.returned_at = payment.consult_due_at = now
        store.consults.put(payment.pk, payment)
        store.announce_on_commit(wake.CONSULT_DUE, now, now)
    return True


def close_payments(store: Store, payments: Sequence[Payment], now: dt.datetime) -> None:
    """Ask that those in the fog be closed: query, close at the channel, query."""
    if not payments:
        return
    with store.atomic():
        in_fog = sorted((each for each in payments if each.in_fog), key=lambda each: each.pk)
        for payment in in_fog:
            payment.close_asked_at = payment.close_asked_at or now
    reach("close.asked")
    with store.atomic():
        in_fog.sort(key=lambda each: (each.consult_due_at or now, each.pk))
        claimed = _push(store, in_fog[:BATCH], now)
    _consult(store, claimed, Source.CLOSE, now)
    reach("close.settled")


def have_closed(store: Store, order: Order, now: dt.datetime) -> None:
    """Have what is in the fog of an order closed by the next consult, which is due now."""
    payment = order.fog
    if payment is None:
        return
    payment.close_asked_at = payment.close_asked_at or now
    payment.consult_due_at = now
    store.consults.put(payment.pk, payment)
    store.announce_on_commit(wake.CONSULT_DUE, now, now)


def query_now(store: Store, payment: Payment, now: dt.datetime) -> None:
    """An operator asks the channel, whatever the payment's status."""
    payments = [payment]
    if payment.in_fog:
        with store.atomic():
            payments = _push(store, payments, now)
    _consult(store, payments, Source.OPERATOR, now)


def _claim_due(store: Store, until: dt.datetime, now: dt.datetime) -> list[Payment]:
    with store.atomic():
        return _push(store, store.consults.claim(until, BATCH), now)


def _push(store: Store, payments: list[Payment], now: dt.datetime) -> list[Payment]:
    for payment in payments:
        payment.consult_due_at = now + LEASE
        store.consults.put(payment.pk, payment)
    return payments


def _consult(store: Store, payments: Sequence[Payment], source: Source, now: dt.datetime) -> None:
    """Ask about a batch, store the answers, and settle them."""
    if not payments:
        return
    reach("consult.claimed")
    started = store.around.stopwatch()
    leases = [payment.consult_due_at for payment in payments]
    calls = [
        partial(ask, cast("models.Payment", payment), now, at_any_price=source is Source.OPERATOR)
        for payment in payments
    ]
    answers = store.around.side_by_side(calls)
    now += dt.timedelta(seconds=store.around.stopwatch() - started)
    reach("consult.asked")
    with store.atomic():  # the evidence is committed before it is judged
        findings = [
            _finding(store, payment, answer, lease=lease, source=source, now=now)
            for payment, answer, lease in zip(payments, answers, leases, strict=True)
        ]
    settle_each(store, lambda some: settle(store, some, now), findings)
    reach("consult.settled")
    due_times = [finding.ask_again_at for finding in findings if finding.ask_again_at]
    store.announce_each(wake.CONSULT_DUE, due_times, now)


def settle_each(
    store: Store, settle_them: Callable[[Sequence[Any]], None], findings: Sequence[Any]
) -> None:
    """Settle a batch at once; where that fails, one by one: one row can't stop the others."""
    try:
        settle_them(findings)
    except Exception as error:  # noqa: BLE001  (as `payments.services.batches`)
        if len(findings) > 1:
            for finding in findings:
                settle_each(store, settle_them, [finding])
            return
        evidence = findings[0].evidence
        with store.atomic():
            evidence.verdict, evidence.error = Verdict.FAILED, repr(error)
            if not isinstance(error, OperationalError | InterfaceError):
                store.alert("unsettled", evidence.refund_no or evidence.payment_no, repr(error))


def _finding(
    store: Store,
    payment: Payment,
    answer: Answer,
    *,
    lease: dt.datetime | None,
    source: Source,
    now: dt.datetime,
) -> Finding:
    back = payment.returned_at
    pulled = back and (payment.consulted_at is None or back > payment.consulted_at)
    if source is Source.CONSULT and pulled:
        source = Source.RETURN
    schedule = get_schedule(payment.channel)
    starts = [(payment.created_at, schedule)]
    if payment.close_asked_at:
        starts.append((payment.close_asked_at, CLOSE_SCHEDULE))
    return Finding(
        evidence=Evidence(payment.channel, source, now, payment.payment_no, error=answer.error),
        payment_no=payment.payment_no,
        report=answer.report,
        asked_at=now,
        ask_again_at=min(
            ask_again_at(store, started_at, schedule, answer.retry_after, now)
            for started_at, schedule in starts
        ),
        lease=lease,
        slow_lane=in_slow_lane(started_at=payment.created_at, now=now, schedule=schedule),
    )


def ask_again_at(
    store: Store,
    started_at: dt.datetime,
    schedule: Sequence[float],
    retry_after: float | None,
    now: dt.datetime,
) -> dt.datetime:
    """The next step of the schedule, or sooner where a channel names its own pause."""
    jitter = store.rng.random()
    due_at = next_consult_at(started_at=started_at, now=now, schedule=schedule, jitter=jitter)
    if retry_after is None:
        return due_at
    pause = retry_after + store.rng.uniform(0, RATE_LIMIT_SPREAD)
    return min(due_at, now + dt.timedelta(seconds=pause))
