"""Placing an order, at the shop's own prices."""

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import get_language

from orders.models import Order
from orders.services import IdempotencyKeyReused, Line, OutOfStock, place_order
from shop.models import Product
from shop.stock import say_how_many_are_left

MOST_LINES = 50
MOST_OF_ONE = 99
MOST_OF_AN_EMAIL = 254  # characters, as the database has it


class CannotBeOrdered(ValueError):
    """The order can't be placed as it stands; `errors` says what is wrong, by field."""

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__(self.__doc__)
        self.errors = errors


class PriceChanged(ValueError):
    """The order costs something else than was agreed to; `total` is in minor units."""

    def __init__(self, total: int) -> None:
        super().__init__(self.__doc__)
        self.total = total


@dataclass(frozen=True, slots=True)
class Wish:
    """So many of one product."""

    sku: str
    quantity: int


def place(
    *,
    wishes: Sequence[Wish],
    now: dt.datetime,
    owner_id: int | None = None,
    email: str = "",
    language: str = "",
    idempotency_key: str = "",
    agreed_total: int | None = None,
) -> Order:
    """Place an order at today's prices; the same key and wishes give the same order again.

    `language` is what its shopper is written in; empty: that of the page. `agreed_total`, in minor
    units, is what the shopper has seen and agreed to. Raises
    `CannotBeOrdered`, `PriceChanged`, or `IdempotencyKeyReused` for the same key with other wishes.
    """
    request_hash = _hash(wishes, email)
    if idempotency_key:
        # A repeat gets its order back even when the goods are sold out by now.
        earlier = Order.objects.filter(owner_id=owner_id, idempotency_key=idempotency_key).first()
        if earlier and earlier.request_hash == request_hash:
            return earlier
        if earlier:
            raise IdempotencyKeyReused
    lines, currency = _price(wishes)
    total = sum(line.unit_price * line.quantity for line in lines)
    if agreed_total is not None and total != agreed_total:
        raise PriceChanged(total)
    try:
        return place_order(
            lines=lines,
            currency=currency,
            now=now,
            owner_id=owner_id,
            email=email,
            language=language or get_language() or "",
            idempotency_key=idempotency_key,
            request_hash=request_hash,
        )
    except OutOfStock as error:
        raise CannotBeOrdered(_say_what_is_left(wishes, error.left)) from None


def _price(wishes: Sequence[Wish]) -> tuple[list[Line], str]:
    """The lines at the database's prices, and their one currency."""
    products = {
        product.sku: product
        for product in Product.objects.filter(active=True, sku__in=[wish.sku for wish in wishes])
    }
    errors = _find_errors(wishes, products)
    if errors:
        raise CannotBeOrdered(errors)
    lines = [
        Line(
            sku=wish.sku,
            title=products[wish.sku].title,
            unit_price=products[wish.sku].price,
            quantity=wish.quantity,
        )
        for wish in wishes
    ]
    return lines, products[wishes[0].sku].currency


def _find_errors(wishes: Sequence[Wish], products: dict[str, Product]) -> dict[str, list[str]]:
    errors: dict[str, list[str]] = {}
    seen: set[str] = set()
    if not 1 <= len(wishes) <= MOST_LINES:
        errors["lines"] = [f"Order 1 to {MOST_LINES} lines."]
    for number, wish in enumerate(wishes):
        if wish.sku not in products:
            errors[f"lines.{number}.sku"] = [f'"{wish.sku}" is not sold here (any more).']
        elif wish.sku in seen:
            errors[f"lines.{number}.sku"] = [f'"{wish.sku}" is listed twice: add the quantities.']
        if not 1 <= wish.quantity <= MOST_OF_ONE:
            errors[f"lines.{number}.quantity"] = [f"Order 1 to {MOST_OF_ONE} of one product."]
        seen.add(wish.sku)
    currencies = sorted({products[sku].currency for sku in seen & products.keys()})
    if len(currencies) > 1:
        named = " and ".join(currencies)
        errors["lines"] = [f"One order has one currency; these are {named}: order them apart."]
    return errors


def _say_what_is_left(wishes: Sequence[Wish], left: Mapping[str, int]) -> dict[str, list[str]]:
    """The error of each line of which not so many can be had."""
    errors = {}
    for number, wish in enumerate(wishes):
        if wish.sku in left and left[wish.sku] == 0:
            errors[f"lines.{number}.sku"] = [f'"{wish.sku}" is sold out.']
        elif wish.sku in left:
            errors[f"lines.{number}.quantity"] = [say_how_many_are_left(left[wish.sku])]
    return errors


def _hash(wishes: Sequence[Wish], email: str) -> str:
    """Tells a repeat from another request: what was asked for, not what it costs today."""
    asked = sorted([wish.sku, wish.quantity] for wish in wishes)
    return hashlib.sha256(json.dumps([asked, email]).encode()).hexdigest()
