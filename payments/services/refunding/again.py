"""Refunding once more what a channel has refused to give back."""

import datetime as dt

from django.db import transaction
from django.db.models import Q

from alerts.services import withdraw_alert
from payments.models import Payment, Refund
from payments.selectors import get_refund
from payments.services.refunding.requesting import RefundError, request_refund
from payments.states import RefundReason, RefundStatus

SURPLUS = "surplus/"  # refunds of the same surplus have origins that differ behind the last slash


class NotFailed(RefundError):
    """Only a refund that has failed is asked for again."""


class GivenBackOtherwise(RefundError):
    """This money is given back by another refund already."""


@transaction.atomic
def refund_again(*, refund_no: str, now: dt.datetime, actor: str) -> Refund:
    """Ask for a new refund of the same amount and reason; a repeat returns the one it made.

    Raises `UnknownRefund`, `NotFailed`, `GivenBackOtherwise`, and what `request_refund` raises.
    """
    failed = get_refund(refund_no=refund_no)
    payment_no = failed.payment.payment_no
    Payment.objects.select_for_update(no_key=True).get(pk=failed.payment_id)
    failed.refresh_from_db(fields=["status", "error"])
    origin = _origin_after(failed)
    if failed.status != RefundStatus.FAILED:
        raise NotFailed
    if other := _given_back_by(failed, origin):
        raise GivenBackOtherwise(f"This money is given back by {other.refund_no} already.")
    fresh = request_refund(
        payment_no=payment_no,
        amount=failed.amount,
        reason=RefundReason(failed.reason),
        origin=origin,
        note=f"Again, after {refund_no} had failed",
        now=now,
        actor=actor,
    )
    why = f"refunded again by {fresh.refund_no}"
    withdraw_alert("alert.refund_failed", subject=refund_no, why=why, now=now)
    return fresh


def _origin_after(failed: Refund) -> str:
    """One for each failed refund; of the same family, where several refunds are of one surplus."""
    family = failed.origin.rpartition("/")[0] if failed.origin.startswith(SURPLUS) else "again"
    return f"{family}/{failed.refund_no}"


def _given_back_by(failed: Refund, origin: str) -> Refund | None:
    """Nodrop may have asked again for the same surplus in the meantime."""
    if not failed.origin.startswith(SURPLUS):
        return None
    family = Refund.objects.filter(origin__startswith=f"{origin.rpartition('/')[0]}/")
    return family.exclude(Q(status=RefundStatus.FAILED) | Q(origin=origin)).first()
