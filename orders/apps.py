"""The order side: what was ordered, and the ledger of money that reached it."""

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "orders"
    verbose_name = "Orders"
