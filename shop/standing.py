"""What a page may tell a shopper about an order. Pure, and never more than is known."""

from collections.abc import Sequence
from enum import StrEnum

from orders.models import Order
from orders.states import OrderStatus
from payments.models import Payment
from payments.states import Status


class Standing(StrEnum):
    """Where an order stands, as its shopper should understand it."""

    UNPAID = "unpaid"  # nothing was tried yet
    CONFIRMING = "confirming"  # nobody knows yet: never call it failed
    CANCELLING = "cancelling"  # cancelled as soon as the channel says that no money came
    PAID = "paid"
    NOT_PAID = "not_paid"  # tried, and certainly no money came
    MISPAID = "mispaid"  # money came, but not what was asked for
    CANCELLED = "cancelled"
    CLOSED = "closed"
    REFUNDED = "refunded"


_ENDS = {
    OrderStatus.PAID: Standing.PAID,
    OrderStatus.CANCELLED: Standing.CANCELLED,
    OrderStatus.CLOSED: Standing.CLOSED,
    OrderStatus.REFUNDED: Standing.REFUNDED,
}
MAY_PAY = frozenset({Standing.UNPAID, Standing.NOT_PAID})
MAY_CANCEL = MAY_PAY | {Standing.CONFIRMING}
NOT_KNOWN_YET = frozenset({Standing.CONFIRMING, Standing.CANCELLING})


def standing_of(order: Order, payments: Sequence[Payment]) -> Standing:
    """`payments` are all payments of the order, the newest first."""
    end = _ENDS.get(OrderStatus(order.status))
    if end:
        return end
    # `paying` or a success while the order wants money: one side doesn't know the end yet.
    if order.status == OrderStatus.PAYING or any(map(_may_pay_it, payments)):
        return Standing.CANCELLING if order.cancel_asked_at else Standing.CONFIRMING
    if not payments:
        return Standing.UNPAID
    return Standing.MISPAID if payments[0].status == Status.MISPAID else Standing.NOT_PAID


def payment_to_watch(payments: Sequence[Payment]) -> Payment | None:
    """The payment whose end the page waits for: one that may still pay the order, else the newest.

    The newest may have ended already, and the order not have heard of it yet.
    """
    newest = next(iter(payments), None)
    return next(filter(_may_pay_it, payments), newest)


def _may_pay_it(payment: Payment) -> bool:
    return payment.in_fog or payment.status == Status.SUCCEEDED
