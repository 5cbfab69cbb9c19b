"""Money that went back to who paid an order."""

import datetime as dt

from django.db import transaction

from alerts.services import raise_alert
from common.money import format_money
from orders.errors import MoneyNotKnownYet
from orders.models import LedgerEntry
from orders.notifications import notify
from orders.services.concluding import conclude, lock_order
from orders.states import Entry


@transaction.atomic
def note_refund(*, order_no: str, now: dt.datetime) -> None:
    """A refund of this order was asked for, accepted, or refused: who watches it looks again."""
    conclude(lock_order(order_no), now=now)


@transaction.atomic
def record_refund(
    *,
    order_no: str,
    payment_no: str,
    refund_no: str,
    seq: int,
    amount: int,
    currency: str,
    reason: str,
    now: dt.datetime,
) -> None:
    """Record that money has gone back; the order is `refunded` once all of it has.

    `amount` is in minor units, `seq` the number of the refund's event. Repeats are no-ops. Raises
    `MoneyNotKnownYet` when the payment's own money is not in the ledger: tell of that first.
    """
    order = lock_order(order_no)
    if _is_recorded(refund_no, seq):
        return
    if not order.ledger.filter(payment_no=payment_no, refund_no="").exists():
        raise MoneyNotKnownYet
    LedgerEntry.objects.create(
        order=order,
        payment_no=payment_no,
        refund_no=refund_no,
        refund_seq=seq,
        amount=amount,
        currency=currency,
        entry=Entry.REFUND,
        recorded_at=now,
    )
    conclude(order, now=now, ledger_changed=True)
    told = {
        "refund_no": refund_no,
        "payment_no": payment_no,
        "amount": amount,
        "currency": currency,
        "reason": reason,
    }
    notify(order=order, type="refund.succeeded", now=now, refund=told)


@transaction.atomic
def record_bounce(
    *,
    order_no: str,
    payment_no: str,
    refund_no: str,
    seq: int,
    amount: int,
    currency: str,
    now: dt.datetime,
) -> None:
    """Record that a refund which had succeeded came back. Repeats are no-ops."""
    order = lock_order(order_no)
    if _is_recorded(refund_no, seq):
        return
    LedgerEntry.objects.create(
        order=order,
        payment_no=payment_no,
        refund_no=refund_no,
        refund_seq=seq,
        amount=amount,
        currency=currency,
        entry=Entry.BOUNCED,
        recorded_at=now,
    )
    raise_alert(
        "alert.refund_bounced",
        subject=refund_no,
        detail=f"{format_money(amount, currency)} of order {order_no} came back to us",
        now=now,
    )
    order.refunded_at = None
    conclude(order, now=now, ledger_changed=True)


def _is_recorded(refund_no: str, seq: int) -> bool:
    return LedgerEntry.objects.filter(refund_no=refund_no, refund_seq=seq).exists()
