"""The states of an order. Pure."""

from django.db.models import TextChoices


class OrderStatus(TextChoices):
    """Where an order stands."""

    UNPAID = "unpaid", "Unpaid"
    PAYING = "paying", "Paying"
    PAID = "paid", "Paid"
    CANCELLED = "cancelled", "Cancelled"
    CLOSED = "closed", "Closed"
    REFUNDED = "refunded", "Refunded"


class AttemptStatus(TextChoices):
    """What the order side knows of one payment of an order."""

    OPEN = "open", "Open"  # the shopper may have paid
    OVER = "over", "Over"  # ended without money
    RECEIVED = "received", "Received"  # money came


class Entry(TextChoices):
    """What became of money that reached an order, or left it."""

    APPLIED = "applied", "Applied"
    SURPLUS = "surplus", "Surplus"  # not wanted (any more), or not what was asked: owed back
    REFUND = "refund", "Refund"  # went back
    BOUNCED = "bounced", "Bounced"  # had gone back, and the channel took that back


class Why(TextChoices):
    """Why money is surplus."""

    LATE = "late", "Came after the order was closed"
    SECOND = "second", "The order was paid already"
    MISPAID = "mispaid", "Not what was asked for"


class NotificationState(TextChoices):
    """Where a notification stands."""

    WAITING = "waiting", "Waiting"
    DELIVERED = "delivered", "Delivered"
    FAILED = "failed", "Failed"  # every try was used up; kept, and may be sent anew


WANTS_MONEY = frozenset({OrderStatus.UNPAID, OrderStatus.PAYING})
