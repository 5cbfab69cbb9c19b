"""Orders, the ledger of their money, the stock, and the notifications of what became of them."""

from orders.models.ledger import LedgerEntry
from orders.models.notification import DeliveryTry, Endpoint, Notification
from orders.models.order import Attempt, Order, OrderLine, new_order_no
from orders.models.stock import Stock

__all__ = [
    "Attempt",
    "DeliveryTry",
    "Endpoint",
    "LedgerEntry",
    "Notification",
    "Order",
    "OrderLine",
    "Stock",
    "new_order_no",
]
