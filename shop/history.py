"""Where many orders stand, in as many questions as for one."""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from orders.models import Order, OrderLine
from payments.models import Payment, Refund
from shop.standing import Standing, standing_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One order of a list."""

    order: Order
    standing: Standing

    @property
    def first(self) -> OrderLine:
        return self.order.lines.all()[0]

    @property
    def others(self) -> int:
        """How many lines there are besides the first."""
        return len(self.order.lines.all()) - 1


def history_of(orders: Sequence[Order], *, now: dt.datetime) -> list[Entry]:
    """The same orders with where they stand; `orders` come with their lines and ledgers."""
    numbers = [order.order_no for order in orders]
    payments: dict[str, list[Payment]] = defaultdict(list)
    for payment in Payment.objects.filter(order_no__in=numbers).order_by("-id"):
        payments[payment.order_no].append(payment)
    refunds: dict[str, list[Refund]] = defaultdict(list)
    of_these = Refund.objects.filter(payment__order_no__in=numbers).select_related("payment")
    for refund in of_these.order_by("-id"):
        refunds[refund.payment.order_no].append(refund)
    return [
        Entry(
            order=order,
            standing=standing_of(
                order,
                payments[order.order_no],
                ledger=list(order.ledger.all()),
                refunds=refunds[order.order_no],
                now=now,
            ),
        )
        for order in orders
    ]
