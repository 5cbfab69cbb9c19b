"""The admin of the order side: orders, the stock, and who is told what."""

from orders.admin.endpoints import EndpointAdmin
from orders.admin.messages import DeviceAdmin, MessageAdmin
from orders.admin.notifications import NotificationAdmin
from orders.admin.orders import OrderAdmin
from orders.admin.stock import StockAdmin

__all__ = [
    "DeviceAdmin",
    "EndpointAdmin",
    "MessageAdmin",
    "NotificationAdmin",
    "OrderAdmin",
    "StockAdmin",
]
