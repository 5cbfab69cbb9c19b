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


class Via(TextChoices):
    """Which way a message goes to a shopper."""

    FCM = "fcm", "Android app (FCM)"
    APNS = "apns", "iOS app (APNs)"
    WEB = "web", "Browser (web push)"
    EMAIL = "email", "E-mail"


class MessageKind(TextChoices):
    """What a shopper is told when she isn't looking."""

    PAID = "paid", "Paid"
    NOT_PAID = "not_paid", "Not paid"
    REFUND_COMING = "refund_coming", "Refund on its way"
    REFUNDED = "refunded", "Refunded"


class MessageState(TextChoices):
    """Where a message to a shopper stands."""

    WAITING = "waiting", "Waiting"
    SENT = "sent", "Sent"  # the provider has taken it
    DROPPED = "dropped", "Not needed"  # seen, or not true any more, or the receiver is gone
    FAILED = "failed", "Failed"  # every try was used up, or the provider refused it


WANTS_MONEY = frozenset({OrderStatus.UNPAID, OrderStatus.PAYING})
