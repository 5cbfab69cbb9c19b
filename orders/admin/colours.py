"""The badges' colours."""

from orders.states import AttemptStatus, Entry, MessageState, NotificationState, OrderStatus

ORDER_COLOURS = {
    OrderStatus.UNPAID: "default",
    OrderStatus.PAYING: "warning",
    OrderStatus.PAID: "success",
    OrderStatus.CANCELLED: "default",
    OrderStatus.CLOSED: "default",
    OrderStatus.REFUNDED: "info",
}
ATTEMPT_COLOURS = {
    AttemptStatus.OPEN: "warning",
    AttemptStatus.OVER: "default",
    AttemptStatus.RECEIVED: "success",
}
ENTRY_COLOURS = {
    Entry.APPLIED: "success",
    Entry.SURPLUS: "danger",
    Entry.REFUND: "info",
    Entry.BOUNCED: "danger",
}
NOTIFICATION_COLOURS = {
    NotificationState.WAITING: "info",
    NotificationState.DELIVERED: "success",
    NotificationState.FAILED: "danger",
}
MESSAGE_COLOURS = {
    MessageState.WAITING: "info",
    MessageState.SENT: "success",
    MessageState.DROPPED: "default",
    MessageState.FAILED: "danger",
}
