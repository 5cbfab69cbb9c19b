"""The order side: what was ordered, and the ledger of money that reached it."""

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "orders"
    verbose_name = "Orders"

    def ready(self) -> None:
        from orders import checks  # noqa: F401, PLC0415  (registers by being imported)
