"""Settings, URLs, servers and processes. Knows the apps by dotted path only."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
