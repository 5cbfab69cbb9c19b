"""How many of the goods can still be had."""

from typing import ClassVar

from django.db import models
from django.db.models import Q


class Stock(models.Model):
    """What is left of one product. A product without a row is never sold out."""

    sku = models.CharField(max_length=32, unique=True)
    available = models.BigIntegerField(help_text="not reserved and not sold")

    class Meta:
        ordering = ["sku"]
        verbose_name_plural = "stock"
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(available__gte=0), name="stock_never_oversold"),
        ]

    def __str__(self) -> str:
        return f"{self.available} of {self.sku}"
