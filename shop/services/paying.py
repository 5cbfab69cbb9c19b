"""Paying an order, and cancelling it. No channel is ever called inside a transaction."""

import datetime as dt

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from common.kill_points import reach
from orders.models import Order
from orders.selectors import get_order
from orders.services import cancel_order, check_in_time, expect_payment
from payments.models import Payment
from payments.selectors import get_payment, payment_in_fog, payments_of, refunds_of
from payments.services import (
    AnotherPaymentInFog,
    check_taken,
    close_payment,
    create_at_channel,
    open_payment,
)
from payments.states import Status
from shop.access import link_key
from shop.money_back import has_gone_back


class PaymentUnderWay(Exception):
    """Another payment of this order stands in the way."""

    def __init__(self, payment: Payment) -> None:
        super().__init__(self.__doc__)
        self.payment = payment


class AlreadyPaid(PaymentUnderWay):
    """This order has been paid: nothing more is to be paid."""


class StillBeingConfirmed(PaymentUnderWay):
    """A payment of this order is still being confirmed: wait for it, and don't pay again."""


class OtherMoneyCame(PaymentUnderWay):
    """Money came, but not as this order asks for it: it has to go back before you pay again."""


def pay(*, order_no: str, channel: str, now: dt.datetime, return_url: str = "") -> Payment:
    """Start a payment, or give back the one that is under way: two taps make one payment.

    A payment at another channel, or whose time is over, is closed first: there are never two that
    may bring money. The answer's `action` is what to open; it is None when the channel's answer was
    lost (pay again replays it), and the status may be `failed`. Raises `AlreadyPaid`,
    `StillBeingConfirmed`, `OtherMoneyCame`, and what `expect_payment` and `open_payment` raise.
    """
    order = get_order(order_no=order_no)
    payment = payment_in_fog(order_no=order_no)
    if payment and not _can_go_on(payment, order, channel, now):
        _check_that_another_can_start(payment, order, channel, now)
        _close_for_another(payment, now)
        payment = None
    if payment is None:
        payment = _open(order, channel, return_url, now)
    if payment.in_fog and payment.action is None:
        payment = create_at_channel(payment_no=payment.payment_no, now=now)
    return payment


def cancel(*, order_no: str, now: dt.datetime) -> Order:
    """Cancel an order, and close its open payment at the channel; money that came first wins.

    Returns the order as it then is: it may wait, with `cancel_asked_at`, for the channel's word.
    Raises `OrderNotCancellable`, `UnknownOrder`.
    """
    cancel_order(order_no=order_no, now=now)
    reach("close.begun")
    payment = payment_in_fog(order_no=order_no)
    if payment:
        close_payment(payment_no=payment.payment_no, now=now)
    return get_order(order_no=order_no)


def _can_go_on(payment: Payment, order: Order, channel: str, now: dt.datetime) -> bool:
    is_wanted = order.cancel_asked_at is None and order.close_asked_at is None
    is_open = payment.expires_at > now and payment.close_asked_at is None
    return is_wanted and is_open and payment.channel == channel


def _check_that_another_can_start(
    payment: Payment, order: Order, channel: str, now: dt.datetime
) -> None:
    """Close nothing for a request that is refused all the same: the bill may be paid still."""
    check_taken(channel=channel, currency=order.currency)
    if payment.expires_at > now and order.close_asked_at is None:
        check_in_time(order=order, now=now)


def _close_for_another(payment: Payment, now: dt.datetime) -> None:
    """Only a payment of which the channel says that it brought no money makes room for another."""
    closed = close_payment(payment_no=payment.payment_no, now=now)
    if closed.in_fog:
        raise StillBeingConfirmed(closed)
    _refuse_more_money(payment.order_no)


def _refuse_more_money(order_no: str) -> None:
    """Refuse to take more while money is here, whether the order side knows of it or not."""
    for payment in payments_of(order_no=order_no):
        if payment.status == Status.SUCCEEDED:
            raise AlreadyPaid(payment)
        if payment.status == Status.MISPAID and not has_gone_back(
            payment, refunds_of(order_no=order_no)
        ):
            raise OtherMoneyCame(payment)


def _open(order: Order, channel: str, return_url: str, now: dt.datetime) -> Payment:
    order_no = order.order_no
    try:
        with transaction.atomic():
            payment = open_payment(
                order_no=order_no,
                channel=channel,
                amount=order.total,
                currency=order.currency,
                subject=f"Order {order_no}",
                return_url=return_url or _result_page(order_no),
                wanted_until=order.expires_at,
                now=now,
            )
            # Locks the order after the payment's row: nothing locks them the other way round.
            expect_payment(
                order_no=order_no, payment_no=payment.payment_no, seq=payment.version, now=now
            )
            _refuse_more_money(order_no)
    except AnotherPaymentInFog as other:  # the other tap was faster
        if not _can_go_on(other.payment, order, channel, now):
            raise StillBeingConfirmed(other.payment) from None
        return get_payment(payment_no=other.payment.payment_no)
    return payment


def _result_page(order_no: str) -> str:
    path = reverse("shop:back", args=[order_no])
    return f"{settings.PUBLIC_URL}{path}?key={link_key(order_no)}"
