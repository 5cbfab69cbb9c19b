"""Where things stand, in the shopper's words: short ones for lists, headings for pages."""

from django.utils.translation import gettext_lazy as _

from payments.states import RefundStatus, Status
from shop.standing import Standing

STANDINGS = {
    Standing.UNPAID: _("To be paid"),
    Standing.CONFIRMING: _("Confirming"),
    Standing.CANCELLING: _("Cancelling"),
    Standing.CLOSING: _("Closing"),
    Standing.PAID: _("Paid"),
    Standing.REVIVED: _("Paid"),
    Standing.NOT_PAID: _("Not paid"),
    Standing.MISPAID: _("Does not match"),
    Standing.CANCELLED: _("Cancelled"),
    Standing.CLOSED: _("Closed"),
    Standing.CAME_LATE: _("Came late"),
    Standing.REFUND_COMING: _("Refund on its way"),
    Standing.REFUNDED: _("Refunded"),
}
HEADINGS = STANDINGS | {
    Standing.UNPAID: _("How would you like to pay?"),
    Standing.CONFIRMING: _("Confirming your payment…"),
    Standing.CANCELLING: _("Cancelling…"),
    Standing.CLOSING: _("The time to pay is over"),
    Standing.MISPAID: _("The payment does not match"),
    Standing.CAME_LATE: _("Your payment came late"),
    Standing.REFUND_COMING: _("Your refund is on its way"),
}
PAYMENTS = {  # never "failed": that is said of what is over, and reads as if money were lost
    Status.CREATED: _("being confirmed"),
    Status.PAYING: _("being confirmed"),
    Status.SUCCEEDED: _("paid"),
    Status.FAILED: _("not paid"),
    Status.CANCELLED: _("cancelled, not paid"),
    Status.CLOSED: _("closed, not paid"),
    Status.MISPAID: _("does not match"),
}
REFUNDS = {
    RefundStatus.REQUESTED: _("on its way"),
    RefundStatus.PENDING: _("on its way"),
    RefundStatus.SUCCEEDED: _("went back"),
    RefundStatus.FAILED: _("failed"),
}
