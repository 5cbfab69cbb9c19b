"""The stories of payments and refunds, in order: what was done, what was learned, and when.

Plain values, for the admin and for a terminal alike.
"""

from payments.timeline.entries import Entry, Kind
from payments.timeline.payment import timeline
from payments.timeline.refund import refund_timeline

__all__ = ["Entry", "Kind", "refund_timeline", "timeline"]
