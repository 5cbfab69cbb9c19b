"""The close saga: an order that is to be closed, and its payments at their channels.

Query, close at the channel, query; and only on the channel's word is the order closed, by the event
that the relay carries. Each step is a row: whoever dies between two of them leaves an order that is
due again, and a payment whose every consult asks for the close again.
"""

import datetime as dt
import time

from common.kill_points import reach
from orders.services import begin_closing
from payments.selectors import payments_in_fog
from payments.services import close_payments

SECONDS = 15.0  # it ends before beat sends the next one


def close_due(*, now: dt.datetime) -> int:
    """Take on the orders that are due to close, batch by batch; returns how many those were."""
    started, count = time.monotonic(), 0
    while time.monotonic() - started < SECONDS:
        begun = begin_closing(now=now)
        if not begun.taken:
            break
        count += begun.taken
        reach("close.begun")
        in_fog = payments_in_fog(order_nos=begun.waiting)
        close_payments(payment_nos=[payment.payment_no for payment in in_fog], now=now)
    return count
