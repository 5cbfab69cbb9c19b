"""What the shop sells."""

from typing import ClassVar

from django.db import models
from django.db.models import Q


class Product(models.Model):
    """Something to buy. `price` is in minor units of `currency`."""

    sku = models.SlugField(max_length=32, unique=True)
    title = models.CharField(max_length=127)
    description = models.TextField(blank=True)
    emoji = models.CharField(max_length=8, blank=True, help_text="its picture")
    price = models.BigIntegerField(help_text="minor units")
    currency = models.CharField(max_length=3)
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ["id"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(price__gt=0), name="product_price_positive"),
            models.CheckConstraint(
                condition=Q(currency__regex=r"^[A-Z]{3}$"), name="product_currency_is_iso_4217"
            ),
        ]

    def __str__(self) -> str:
        return self.title


class KeptAnswer(models.Model):
    """What a POST was answered, so that sending it again gives the same answer; see `shop.answers`.

    `sealed` holds the answer encrypted: it may carry an order's token, which is stored nowhere.
    """

    scope = models.CharField(max_length=64, unique=True, help_text="caller, path and key, hashed")
    request_hash = models.CharField(max_length=64, help_text="tells a repeat from another request")
    status = models.PositiveSmallIntegerField()
    sealed = models.TextField()
    answered_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.status} at {self.answered_at:%Y-%m-%d %H:%M:%S}"
