"""The close saga: an order that is to be closed, and its payments at their channels.

Query, close at the channel, query; and only on the channel's word is the order closed, by the event
that the relay carries. Each step is a row: whoever dies between two of them leaves an order that is
due again, and a payment whose every consult asks for the close again.
"""

import datetime as dt

from common.kill_points import reach
from orders.services import begin_closing
from orders.services.closing import BATCH
from payments.selectors import payments_in_fog
from payments.services import close_payments


def close_due(*, now: dt.datetime) -> int:
    """Take on the orders that are due to close; returns how many wait for a channel's word."""
    waiting = begin_closing(now=now)
    reach("close.begun")
    in_fog = [payment.payment_no for payment in payments_in_fog(order_nos=waiting)]
    for start in range(0, len(in_fog), BATCH):
        close_payments(payment_nos=in_fog[start : start + BATCH], now=now)
    return len(waiting)
