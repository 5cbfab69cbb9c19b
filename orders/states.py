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
    """What became of money that reached an order."""

    APPLIED = "applied", "Applied"
    SURPLUS = "surplus", "Surplus"  # not wanted (any more), or not what was asked: owed back


WANTS_MONEY = frozenset({OrderStatus.UNPAID, OrderStatus.PAYING})
