"""Telling the systems that fulfil orders: at least once, and in order for each order."""

from orders.deliveries.loop import deliver_due
from orders.deliveries.resending import resend, resend_since

__all__ = ["deliver_due", "resend", "resend_since"]
