"""Tells the order side of payments and refunds, and sends back what it does not want.

Money that the order side calls surplus is owed back: the refund is asked for in the same
transaction as the ledger's entry, so that neither is ever without the other.
"""

import datetime as dt
import hashlib
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import transaction

from alerts.services import raise_alert
from common.money import format_money
from orders import services as orders
from orders.models import LedgerEntry
from orders.states import Entry, Why
from payments.models import Payment, PaymentEvent, RefundEvent
from payments.services import RefundError, have_closed, request_refund
from payments.states import IN_FOG, MONEY_CAME, RefundReason, RefundStatus, Status


def tell_of_payment(event: PaymentEvent, now: dt.datetime) -> None:
    """Hand a payment's event to the order side. Harmless when it is done again."""
    payment, to = event.payment, Status(event.to_status)
    number: dict[str, Any] = {
        "order_no": payment.order_no,
        "payment_no": payment.payment_no,
        "seq": event.seq,
    }
    if to not in MONEY_CAME:
        orders.record_attempt(**number, over=to not in IN_FOG, now=now)
        return
    if event.capture:
        entry = orders.record_capture(
            **number,
            capture_no=event.capture.capture_no,
            amount=event.capture.amount,
            currency=event.capture.currency,
            now=now,
        )
    else:
        entry = _record_money(payment, to, number, now)
    if entry and entry.entry == Entry.APPLIED:
        have_closed(order_no=payment.order_no, now=now)  # nobody is to pay this order once more
    owed = entry if entry and entry.entry == Entry.SURPLUS and not is_kept(entry) else None
    if owed and (why := give_back(owed, now)):
        raise_alert("alert.owed_back", subject=owed.payment_no, detail=why, now=now)


def tell_of_refund(event: RefundEvent, now: dt.datetime) -> None:
    """Hand a refund's event to the order side. Harmless when it is done again."""
    refund, to = event.refund, RefundStatus(event.to_status)
    order_no = refund.payment.order_no
    came_back = to is RefundStatus.FAILED and event.from_status == RefundStatus.SUCCEEDED
    if to is not RefundStatus.SUCCEEDED and not came_back:
        orders.note_refund(order_no=order_no, now=now)
        return
    values: dict[str, Any] = {
        "order_no": order_no,
        "payment_no": refund.payment.payment_no,
        "refund_no": refund.refund_no,
        "seq": event.seq,
        "amount": refund.amount,
        "currency": refund.currency,
    }
    if came_back:
        orders.record_bounce(**values, now=now)
    else:
        orders.record_refund(**values, reason=refund.reason, now=now)


@transaction.atomic
def give_back(entry: LedgerEntry, now: dt.datetime, *, attempt: int = 1) -> str:
    """Ask for the refund of surplus money, once for each `attempt`; returns why that can't be.

    Never more than is still owed: an operator may have been faster. The payment's lock keeps that
    sum true until the refund is written.
    """
    payment = Payment.objects.select_for_update(no_key=True).get(payment_no=entry.payment_no)
    amount = min(entry.amount, still_owed(payment, surplus_of([entry.payment_no])))
    if amount <= 0 < entry.amount:
        return ""
    try:
        request_refund(
            payment_no=entry.payment_no,
            amount=amount,
            reason=RefundReason(entry.why),
            origin=f"{origin_of(entry)}{attempt}",
            now=now,
        )
    except (RefundError, ValueError) as error:
        return f"{format_money(entry.amount, entry.currency)} can't be refunded: {error}"
    if attempt == 1:  # not sooner: what a channel can't give back was never on its way
        orders.tell_refund_coming(order_no=entry.order.order_no, now=now)
    return ""


def surplus_of(payment_nos: Iterable[str]) -> list[LedgerEntry]:
    """What of these payments' money has to go back, as far as their orders were told of it."""
    surplus = LedgerEntry.objects.filter(payment_no__in=payment_nos, entry=Entry.SURPLUS)
    # Without a reason: of before refunds were made by themselves.
    of_ours = surplus.exclude(why="").select_related("order").order_by("pk")
    return [entry for entry in of_ours if not is_kept(entry)]


def still_owed(payment: Payment, surplus: Iterable[LedgerEntry]) -> int:
    """How much of a payment's surplus neither goes back nor has gone back.

    What goes back to a customer is not counted, but nothing is owed that is not here any more.
    """
    others = {RefundReason.CUSTOMER}
    if settings.MISPAID == "keep":
        others.add(RefundReason.MISPAID)
    going = sum(
        refund.amount
        for refund in payment.refunds.all()
        if refund.status != RefundStatus.FAILED and refund.reason not in others
    )
    return min(sum(entry.amount for entry in surplus) - going, payment.refundable)


def is_kept(entry: LedgerEntry) -> bool:
    """Whether settings leave this surplus to an operator, whom `alert.mispaid` has called."""
    return entry.why == Why.MISPAID and settings.MISPAID == "keep"


def origin_of(entry: LedgerEntry) -> str:
    """What the origins of all refunds of this entry begin with, and no others."""
    capture = hashlib.sha256(entry.capture_no.encode()).hexdigest()[:32]
    return f"surplus/{entry.payment_no}/{capture if entry.capture_no else 'first'}/"


def _record_money(
    payment: Payment, to: Status, number: dict[str, Any], now: dt.datetime
) -> LedgerEntry | None:
    if payment.received_amount is None:
        raise ValueError("a payment that received money must say how much")
    record = orders.record_payment if to == Status.SUCCEEDED else orders.record_mispayment
    return record(
        **number,
        amount=payment.received_amount,
        currency=payment.received_currency,
        now=now,
    )
