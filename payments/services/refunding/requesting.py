"""Asking for a refund: first the row, under the payment's lock, then the channel."""

import datetime as dt

import structlog
from django.db import transaction
from django.db.models import F, Sum

from common.kill_points import reach
from common.money import format_money
from payments import wake
from payments.channels.registry import UnknownChannel, get_channel
from payments.models import Payment, Refund, RefundEvent
from payments.selectors import UnknownPayment
from payments.states import RefundReason, RefundStatus, Source

log = structlog.get_logger(__name__)


class RefundError(Exception):
    """The refund can't be asked for."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__doc__)


class NothingToRefund(RefundError):
    """Nothing is left to refund: no money came, or all of it goes back already."""


class RefundTooLarge(RefundError):
    """More than is left of what was captured; `refundable` in minor units of `currency`."""

    def __init__(self, *, refundable: int, currency: str) -> None:
        left = format_money(refundable, currency)
        super().__init__(f"Of this payment {left} can be refunded: ask for that at the most.")
        self.refundable = refundable
        self.currency = currency


class RefundNotPossible(RefundError):
    """This channel gives no money back by its API: do it there by hand."""


class OriginReused(RefundError):
    """This key was used for another refund: take a new key, or send the same refund."""


@transaction.atomic
def request_refund(
    *,
    payment_no: str,
    amount: int | None,
    reason: RefundReason,
    origin: str,
    now: dt.datetime,
    note: str = "",
    actor: str = "",
) -> Refund:
    """Write the row of a refund, and wake a worker that sends it; the same `origin` is the same.

    `amount` is in minor units of the currency that was received; None: all that is left. The lock
    on the payment keeps two askers from refunding more than was captured, and a constraint keeps
    everybody. While money that was captured twice is still here, a refund for the customer is a
    refund of that. Raises `UnknownPayment`, `NothingToRefund`, `RefundTooLarge`,
    `RefundNotPossible`, `OriginReused`; `ValueError` for an amount that is not positive.
    """
    payment = Payment.objects.select_for_update(no_key=True).filter(payment_no=payment_no).first()
    if payment is None:
        raise UnknownPayment(f"There is no payment {payment_no}.")
    earlier = Refund.objects.filter(origin=origin).first()
    if earlier:
        return _the_same(earlier, payment, amount, reason)
    if not payment.captured_total and payment.received_amount:
        # Settled by the former release, while a deploy was under way.
        payment.captured_total = payment.received_amount
        payment.save(update_fields=["captured_total"])
    checked = _checked(payment, amount)
    refund = Refund.objects.create(
        payment=payment,
        amount=checked,
        currency=payment.received_currency,
        reason=_owed_first(payment, checked, reason),
        origin=origin,
        note=note,
        actor=actor,
        created_at=now,
        consult_due_at=now,
    )
    _begin(refund, now)
    log.info(
        "refund_requested",
        refund_no=refund.refund_no,
        payment_no=payment_no,
        amount=refund.amount,
        reason=refund.reason,
        actor=actor,
    )
    transaction.on_commit(_requested, robust=True)
    wake.relay_on_commit()
    wake.refund_on_commit(due_at=now, now=now)
    return refund


def _requested() -> None:
    reach("refund.requested")


def _the_same(
    earlier: Refund, payment: Payment, amount: int | None, reason: RefundReason
) -> Refund:
    became = (RefundReason.CUSTOMER, RefundReason.SECOND)
    same_reason = reason == earlier.reason or (reason, earlier.reason) == became
    as_before = amount in (None, earlier.amount) and same_reason
    if earlier.payment_id != payment.pk or not as_before:
        raise OriginReused
    return earlier


def _checked(payment: Payment, amount: int | None) -> int:
    """The amount that may go back."""
    left = payment.refundable
    if amount is not None and amount <= 0:
        raise ValueError("a refund needs a positive amount")
    if left == 0:
        raise NothingToRefund
    if amount is not None and amount > left:
        raise RefundTooLarge(refundable=left, currency=payment.received_currency)
    if payment.received_merchant not in ("", payment.merchant):
        raise RefundNotPossible(
            f"The money went to the account {payment.received_merchant}, not to ours: "
            "only its owner can give it back."
        )
    if not _can_refund(payment.channel):
        raise RefundNotPossible
    return left if amount is None else amount


def _owed_first(payment: Payment, amount: int, reason: RefundReason) -> RefundReason:
    """What was captured twice goes back first, whoever asks: else it would be sent once more."""
    further = payment.captured_total - (payment.received_amount or 0)
    if reason != RefundReason.CUSTOMER or not further:
        return reason
    second = payment.refunds.filter(reason=RefundReason.SECOND)
    going = second.exclude(status=RefundStatus.FAILED).aggregate(total=Sum("amount"))["total"] or 0
    return RefundReason.SECOND if amount <= further - going else reason


def _can_refund(channel: str) -> bool:
    try:
        return get_channel(channel).capabilities.can_refund
    except UnknownChannel:
        return True  # retired from the settings: it may come back, and the refund waits for it


def _begin(refund: Refund, now: dt.datetime) -> None:
    """The first event, and the reservation of what was captured."""
    RefundEvent.objects.create(
        refund=refund,
        seq=1,
        to_status=RefundStatus.REQUESTED,
        source=Source.OPERATOR if refund.actor else Source.START,
        occurred_at=now,
        relay_due_at=now,
    )
    Payment.objects.filter(pk=refund.payment_id).update(
        refund_total=F("refund_total") + refund.amount
    )
