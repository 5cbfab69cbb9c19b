"""How many of the goods can still be had, in words."""

from collections.abc import Collection

from django.utils.translation import ngettext

from orders.models import Stock

FEW = 10  # from here on the shopper is told


def stock_of(skus: Collection[str]) -> dict[str, int]:
    """What is left of those that are counted; all others are never sold out."""
    return dict(Stock.objects.filter(sku__in=skus).values_list("sku", "available"))


def say_how_many_are_left(left: int) -> str:
    said = ngettext("Only %(left)d is left.", "Only %(left)d are left.", left)
    return said % {"left": left}
