"""The admin of the order side: orders, the stock, and what the systems that fulfil are told."""

from orders.admin.endpoints import EndpointAdmin
from orders.admin.notifications import NotificationAdmin
from orders.admin.orders import OrderAdmin
from orders.admin.stock import StockAdmin

__all__ = ["EndpointAdmin", "NotificationAdmin", "OrderAdmin", "StockAdmin"]
