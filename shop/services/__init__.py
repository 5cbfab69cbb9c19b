"""What a shopper does: order, pay, cancel; and what an operator's app does: give money back."""

from shop.services.paying import (
    AlreadyPaid,
    OtherMoneyCame,
    PaymentUnderWay,
    StillBeingConfirmed,
    cancel,
    pay,
)
from shop.services.placing import (
    MOST_LINES,
    MOST_OF_AN_EMAIL,
    MOST_OF_ONE,
    CannotBeOrdered,
    PriceChanged,
    Wish,
    place,
)
from shop.services.refunding import MOST_OF_A_NOTE, CannotBeRefunded, refund

__all__ = [
    "MOST_LINES",
    "MOST_OF_AN_EMAIL",
    "MOST_OF_A_NOTE",
    "MOST_OF_ONE",
    "AlreadyPaid",
    "CannotBeOrdered",
    "CannotBeRefunded",
    "OtherMoneyCame",
    "PaymentUnderWay",
    "PriceChanged",
    "StillBeingConfirmed",
    "Wish",
    "cancel",
    "pay",
    "place",
    "refund",
]
