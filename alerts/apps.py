"""Alerts: what a person has to look at, raised by both domains and by those above them."""

from django.apps import AppConfig


class AlertsConfig(AppConfig):
    name = "alerts"
    verbose_name = "Alerts"
