"""What a page may tell a shopper about an order. Pure, and never more than is known."""

import datetime as dt
from collections.abc import Collection, Sequence
from enum import StrEnum

from orders.models import LedgerEntry, Order
from orders.states import WANTS_MONEY, OrderStatus
from payments.models import Payment, Refund
from payments.states import MONEY_CAME, Status
from shop.money_back import Way, has_gone_back, money_back


class Standing(StrEnum):
    """Where an order stands, as its shopper should understand it."""

    UNPAID = "unpaid"  # nothing was tried yet
    CONFIRMING = "confirming"  # nobody knows yet: never call it failed
    CANCELLING = "cancelling"  # cancelled as soon as the channel says that no money came
    CLOSING = "closing"  # the same, when its time is over
    PAID = "paid"
    REVIVED = "revived"  # paid, though its time was over
    NOT_PAID = "not_paid"  # tried, and no money is here
    MISPAID = "mispaid"  # money came, but not what was asked for
    CANCELLED = "cancelled"
    CLOSED = "closed"
    CAME_LATE = "came_late"  # ended, and then money came: the order has not heard of it yet
    REFUND_COMING = "refund_coming"  # ended, and its money is on the way back
    REFUNDED = "refunded"


_ENDS = {
    OrderStatus.PAID: Standing.PAID,
    OrderStatus.CANCELLED: Standing.CANCELLED,
    OrderStatus.CLOSED: Standing.CLOSED,
    OrderStatus.REFUNDED: Standing.REFUNDED,
}
MAY_PAY = frozenset({Standing.UNPAID, Standing.NOT_PAID})
MAY_CANCEL = MAY_PAY | {Standing.CONFIRMING}
NOT_KNOWN_YET = frozenset(
    {Standing.CONFIRMING, Standing.CANCELLING, Standing.CLOSING, Standing.CAME_LATE}
)


def standing_of(
    order: Order,
    payments: Sequence[Payment],
    *,
    ledger: Sequence[LedgerEntry],
    refunds: Sequence[Refund],
    now: dt.datetime,
) -> Standing:
    """All that is known of the order; `payments` and `refunds` with the newest first."""
    waits = any(_is_waited_for(payment, _heard(ledger)) for payment in payments)
    if order.status in (OrderStatus.CANCELLED, OrderStatus.CLOSED) and waits:
        return Standing.CAME_LATE
    if order.status == OrderStatus.PAID and order.revived_at:
        return Standing.REVIVED
    end = _ENDS.get(OrderStatus(order.status))
    if end in (Standing.CANCELLED, Standing.CLOSED) and _is_on_its_way(ledger, refunds):
        return Standing.REFUND_COMING
    return end or _of_an_open_order(order, payments, refunds, waits=waits, now=now)


def _of_an_open_order(
    order: Order,
    payments: Sequence[Payment],
    refunds: Sequence[Refund],
    *,
    waits: bool,
    now: dt.datetime,
) -> Standing:
    # `paying`, or money while the order wants some: one side doesn't know the end yet.
    if order.status == OrderStatus.PAYING or waits:
        if order.cancel_asked_at:
            return Standing.CANCELLING
        return Standing.CLOSING if order.close_asked_at else Standing.CONFIRMING
    if any(_is_kept(payment, refunds) for payment in payments):
        return Standing.MISPAID
    if is_over(order, now):
        return Standing.CLOSED
    return Standing.NOT_PAID if payments else Standing.UNPAID


def is_over(order: Order, now: dt.datetime) -> bool:
    """Whether the time to pay an order is over, even if it has not been closed yet."""
    is_late = order.expires_at is not None and order.expires_at <= now
    return order.status in WANTS_MONEY and is_late


def payment_to_watch(
    payments: Sequence[Payment], *, ledger: Sequence[LedgerEntry]
) -> Payment | None:
    """The payment whose end the page waits for: one that may still pay the order, else the newest.

    The newest may have ended already, and the order not have heard of it yet.
    """
    newest = next(iter(payments), None)
    heard = _heard(ledger)
    return next((payment for payment in payments if _is_waited_for(payment, heard)), newest)


def _is_waited_for(payment: Payment, heard: Collection[str]) -> bool:
    """Whether it may bring money, or has brought some that the order has not heard of."""
    came = payment.status in MONEY_CAME and payment.payment_no not in heard
    return payment.in_fog or came


def _heard(ledger: Sequence[LedgerEntry]) -> set[str]:
    """The payments whose money the order knows of."""
    return {entry.payment_no for entry in ledger if not entry.refund_no}


def _is_on_its_way(ledger: Sequence[LedgerEntry], refunds: Sequence[Refund]) -> bool:
    return any(back.way is Way.ON_ITS_WAY for back in money_back(ledger, refunds))


def _is_kept(payment: Payment, refunds: Sequence[Refund]) -> bool:
    return payment.status == Status.MISPAID and not has_gone_back(payment, refunds)
