"""Giving money back over the API: by an operator's app, once for each key."""

import datetime as dt
import hashlib
import json

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from orders.models import Order
from orders.selectors import get_order
from orders.states import Entry
from payments.models import Payment, Refund
from payments.selectors import payments_of
from payments.services import NothingToRefund, OriginReused, request_refund
from payments.states import RefundReason

MOST_OF_A_NOTE = 200  # characters, as the database has it


class CannotBeRefunded(ValueError):
    """It is not clear what is to be refunded; `errors` says why, by field."""

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__(self.__doc__)
        self.errors = errors


@transaction.atomic
def refund(
    *,
    order_no: str,
    key: str,
    note: str,
    user: AbstractBaseUser,
    now: dt.datetime,
    amount: int | None = None,
    payment_no: str = "",
) -> Refund:
    """Ask for a refund; the same user's `key` gives the same refund again.

    `amount` is in minor units of what was received; None: all that is left. Without a `payment_no`
    it is the payment that paid the order. Raises `UnknownOrder`, `CannotBeRefunded`, `OriginReused`
    for the same key with other values, and what `request_refund` raises.
    """
    order = get_order(order_no=order_no)
    of_key = f"api/{user.pk}/{_hash(key)}/"
    origin = of_key + _hash(order_no, amount, payment_no, note)
    # One at a time for each user: else two requests of one key might not see each other.
    get_user_model().objects.select_for_update(no_key=True).get(pk=user.pk)
    earlier = Refund.objects.select_related("payment").filter(origin__startswith=of_key).first()
    if earlier and earlier.origin != origin:
        raise OriginReused
    if earlier:
        return earlier
    payment = _payment_to_refund(order, payment_no)
    return request_refund(
        payment_no=payment.payment_no,
        amount=amount,
        reason=_reason_of(order, payment),
        origin=origin,
        note=note,
        actor=user.get_username(),
        now=now,
    )


def _payment_to_refund(order: Order, payment_no: str) -> Payment:
    payments = {payment.payment_no: payment for payment in payments_of(order_no=order.order_no)}
    if payment_no and payment_no not in payments:
        raise CannotBeRefunded({"payment_no": [f'"{payment_no}" is no payment of this order.']})
    if payment_no:
        return payments[payment_no]
    applied = order.ledger.filter(entry=Entry.APPLIED).first()
    if applied:
        return payments[applied.payment_no]
    left = [payment.payment_no for payment in payments.values() if payment.refundable]
    if not left:
        raise NothingToRefund
    raise CannotBeRefunded(
        {
            "payment_no": [
                f"No payment has paid this order. Name the one to refund: {', '.join(left)}."
            ]
        }
    )


def _reason_of(order: Order, payment: Payment) -> RefundReason:
    """For the customer; or, if it did not pay the order, why it did not."""
    entries = list(order.ledger.filter(payment_no=payment.payment_no, refund_no=""))
    if not entries or any(entry.entry == Entry.APPLIED or not entry.why for entry in entries):
        return RefundReason.CUSTOMER
    return RefundReason(entries[0].why)


def _hash(*values: object) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()
