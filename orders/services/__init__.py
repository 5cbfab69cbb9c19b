"""Everything that changes an order. Plain values in, so that the order side knows no payment."""

from orders.errors import (
    IdempotencyKeyReused,
    MoneyNotKnownYet,
    OrderError,
    OrderNotCancellable,
    OrderNotPayable,
    OutOfStock,
    UnknownOrder,
)
from orders.services.attempts import check_in_time, expect_payment, record_attempt
from orders.services.closing import begin_closing, cancel_order
from orders.services.contact import note_email
from orders.services.healing import adopt_orders, conclude_anew, release_forgotten_stock
from orders.services.money import (
    record_capture,
    record_mispayment,
    record_payment,
    tell_refund_coming,
)
from orders.services.placing import Line, place_order
from orders.services.refunds import note_refund, record_bounce, record_refund

__all__ = [
    "IdempotencyKeyReused",
    "Line",
    "MoneyNotKnownYet",
    "OrderError",
    "OrderNotCancellable",
    "OrderNotPayable",
    "OutOfStock",
    "UnknownOrder",
    "adopt_orders",
    "begin_closing",
    "cancel_order",
    "check_in_time",
    "conclude_anew",
    "expect_payment",
    "note_email",
    "note_refund",
    "place_order",
    "record_attempt",
    "record_bounce",
    "record_capture",
    "record_mispayment",
    "record_payment",
    "record_refund",
    "release_forgotten_stock",
    "tell_refund_coming",
]
