"""Orders, the ledger of their money, the stock, and the notifications of what became of them."""

from orders.models.ledger import LedgerEntry
from orders.models.message import Device, Message, new_device_no
from orders.models.notification import DeliveryTry, Endpoint, Notification
from orders.models.order import Attempt, Order, OrderLine, new_order_no
from orders.models.stock import Stock

__all__ = [
    "Attempt",
    "DeliveryTry",
    "Device",
    "Endpoint",
    "LedgerEntry",
    "Message",
    "Notification",
    "Order",
    "OrderLine",
    "Stock",
    "new_device_no",
    "new_order_no",
]
