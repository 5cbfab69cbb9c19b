"""Signs of life."""

from django.db import models
from django.utils import timezone


class Heartbeat(models.Model):
    """When a part that nobody watches was last alive: beat, sweep, relay."""

    name = models.CharField(max_length=32, primary_key=True)
    beat_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name
