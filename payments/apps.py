"""The payment side: channels, evidence, and the one door through which a payment changes."""

from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "payments"
    verbose_name = "Payments"

    def ready(self) -> None:
        from payments import checks  # noqa: F401, PLC0415  (registers by being imported)
