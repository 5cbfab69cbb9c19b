"""The relay and what it tells: `workers.relay` and `workers.telling`, on plain rows."""

import datetime as dt

from django.conf import settings

from common.kill_points import reach
from orders.states import Entry, Why
from payments.services import RefundError
from payments.states import IN_FOG, MONEY_CAME, RefundReason, RefundStatus, Status
from payments.wake import RELAY_DUE
from proof.simulator.pure import ordering
from proof.simulator.pure.consulting import have_closed
from proof.simulator.pure.refunding import request_refund
from proof.simulator.pure.rows import Event, LedgerRow, Payment
from proof.simulator.pure.store import DueRows, Store
from workers.relay import ALERT_FROM, BATCH, LEASE, delay_after


def relay_due(store: Store, now: dt.datetime) -> int:
    """Hand over one batch of due events of each kind; returns how many were taken on."""
    store.woken(RELAY_DUE)
    return _relay(store, store.relays, now) + _relay(store, store.refund_relays, now)


def _relay(store: Store, rows: DueRows, now: dt.datetime) -> int:
    with store.atomic():
        events: list[Event] = rows.claim(now, BATCH)
        for event in events:
            _due_again(store, rows, event, now + LEASE)
    if len(events) == BATCH:
        store.wake(RELAY_DUE)
    for event in events:
        try:
            _hand_over(store, event, now)
        except Exception as error:  # noqa: BLE001  (as `workers.relay`)
            _postpone(store, rows, event, error, now)
    return len(events)


def _due_again(store: Store, rows: DueRows, event: Event, at: dt.datetime) -> None:
    event.due_at = at
    rows.put(event.pk, event)


def _hand_over(store: Store, event: Event, now: dt.datetime) -> None:
    """Tell the order side and confirm it, or neither: who dies before the commit did nothing."""
    with store.atomic():
        if event.due_at is None:
            return
        reach("relay.handed_over")
        tell(store, event, now)
        event.due_at = None
        if event.failures >= ALERT_FROM:
            store.withdraw("relay", subject_of(event))


def _postpone(
    store: Store, rows: DueRows, event: Event, error: Exception, now: dt.datetime
) -> None:
    with store.atomic():
        if event.due_at is None:
            return
        event.failures += 1
        _due_again(store, rows, event, now + dt.timedelta(seconds=delay_after(event.failures)))
        if event.failures >= ALERT_FROM:
            store.alert("relay", subject_of(event), repr(error))


def subject_of(event: Event) -> str:
    return event.refund.refund_no if event.refund else event.of.payment_no


def tell(store: Store, event: Event, now: dt.datetime) -> None:
    """Hand an event to the order side. Harmless when it is done again."""
    if event.refund:
        _tell_of_refund(store, event, now)
    else:
        _tell_of_payment(store, event, now)


def _tell_of_payment(store: Store, event: Event, now: dt.datetime) -> None:
    payment, to = event.of, Status(event.to)
    order, number = payment.order, payment.payment_no
    if to not in MONEY_CAME:
        over = to not in IN_FOG
        ordering.record_attempt(store, order, number, event.seq, over=over, now=now)
        return
    capture = event.capture
    if capture is None and payment.received_amount is None:
        raise ValueError("a payment that received money must say how much")
    why = Why.SECOND if capture else Why.MISPAID if to is Status.MISPAID else None
    entry = ordering.record_money(
        store,
        order,
        payment_no=number,
        capture_no=capture.capture_no if capture else "",
        seq=event.seq,
        amount=capture.amount if capture else payment.received_amount or 0,
        currency=capture.currency if capture else payment.received_currency,
        why=why,
        now=now,
    )
    if entry and entry.entry is Entry.APPLIED:
        have_closed(store, order, now)
    if entry and entry.entry is Entry.SURPLUS and not is_kept(entry):
        trouble = give_back(store, payment, entry, now)
        if trouble:
            store.alert("owed_back", number, trouble)


def _tell_of_refund(store: Store, event: Event, now: dt.datetime) -> None:
    refund = event.refund
    if refund is None:
        raise ValueError("this event is about no refund")
    order = refund.payment.order
    came_back = event.to == RefundStatus.FAILED and event.was == RefundStatus.SUCCEEDED
    if event.to != RefundStatus.SUCCEEDED and not came_back:
        ordering.note_refund(store, order, now)
        return
    ordering.record_gone(
        store,
        order,
        payment_no=refund.payment.payment_no,
        refund_no=refund.refund_no,
        seq=event.seq,
        amount=refund.amount,
        currency=refund.currency,
        came_back=came_back,
        now=now,
    )


def give_back(
    store: Store, payment: Payment, entry: LedgerRow, now: dt.datetime, *, attempt: int = 1
) -> str:
    """Ask for the refund of surplus money; returns why that can't be."""
    amount = min(entry.amount, still_owed(payment))
    if amount <= 0 < entry.amount:
        return ""
    try:
        request_refund(
            store,
            payment,
            amount=amount,
            reason=RefundReason(str(entry.why)),
            origin=f"{origin_of(entry)}{attempt}",
            now=now,
        )
    except (RefundError, ValueError) as error:
        return f"{entry.amount} can't be refunded: {error}"
    return ""


def still_owed(payment: Payment) -> int:
    """How much of a payment's money is surplus and neither goes back nor has gone back."""
    came = sum(
        entry.amount
        for entry in payment.order.ledger
        if entry.payment_no == payment.payment_no
        and entry.entry is Entry.SURPLUS
        and not is_kept(entry)
    )
    others = {RefundReason.CUSTOMER}
    if settings.MISPAID == "keep":
        others.add(RefundReason.MISPAID)
    going = sum(
        refund.amount
        for refund in payment.refunds
        if refund.status is not RefundStatus.FAILED and refund.reason not in others
    )
    return min(came - going, payment.refundable)


def is_kept(entry: LedgerRow) -> bool:
    """Whether settings leave this surplus to an operator."""
    return entry.why is Why.MISPAID and settings.MISPAID == "keep"


def origin_of(entry: LedgerRow) -> str:
    """What the origins of all refunds of this entry begin with, and no others."""
    return f"surplus/{entry.payment_no}/{entry.capture_no or 'first'}/"
