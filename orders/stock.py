"""The stock: reserved when an order is placed, released when it closes, taken again on revival.

Every function belongs into a transaction that holds the order. Products without a row are never
sold out.
"""

from collections import Counter
from collections.abc import Iterable

from django.db.models import F

from orders.errors import OutOfStock
from orders.models import Order, OrderLine, Stock


def reserve(order: Order) -> None:
    """Take the goods of an order out of the stock: all of them, or raise `OutOfStock`.

    Each line remembers whether it was counted: what is counted only later is not put back.
    """
    wanted = _sums(order.lines.all())
    left = _lock(wanted)
    short = {sku: left[sku] for sku in left if left[sku] < wanted[sku]}
    if short:
        raise OutOfStock(short)
    for sku in left:
        Stock.objects.filter(sku=sku).update(available=F("available") - wanted[sku])
    if left:
        order.lines.filter(sku__in=left).update(reserved=True)


def release(order: Order) -> None:
    """Put the goods of an order that was not paid back into the stock."""
    reserved = order.lines.filter(reserved=True)
    held = _sums(reserved)
    for sku in _lock(held):
        Stock.objects.filter(sku=sku).update(available=F("available") + held[sku])
    if held:
        reserved.update(reserved=False)


def take_again(order: Order) -> bool:
    """Whether the goods of a closed order can still be had; if so, they are taken.

    The default of `settings.REVIVAL_RULE`. A rule of your own has this signature, runs inside of
    the transaction that records the money, and calls nobody over a network.
    """
    try:
        reserve(order)
    except OutOfStock:
        return False
    return True


def _sums(lines: Iterable[OrderLine]) -> Counter[str]:
    sums: Counter[str] = Counter()
    for line in lines:
        sums[line.sku] += line.quantity
    return sums


def _lock(wanted: Counter[str]) -> dict[str, int]:
    """What is available of those that are counted; always locked in the same order."""
    rows = Stock.objects.select_for_update(no_key=True).filter(sku__in=wanted).order_by("sku")
    return {row.sku: row.available for row in rows}
