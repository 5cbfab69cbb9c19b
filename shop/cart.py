"""The cart: so many of each product, kept in the session of a browser."""

from dataclasses import dataclass

from django.contrib.sessions.backends.base import SessionBase

from shop.models import Product
from shop.services import MOST_LINES, MOST_OF_ONE, Wish
from shop.stock import stock_of

_KEY = "cart"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A product that somebody wants; `left` is None for what is never sold out."""

    product: Product
    quantity: int
    left: int | None

    @property
    def total(self) -> int:
        """Minor units of the product's currency."""
        return self.product.price * self.quantity

    @property
    def can_be_had(self) -> bool:
        return self.left is None or self.left >= self.quantity


def wishes_in(session: SessionBase) -> list[Wish]:
    """What the cart holds, in the order in which it was put there."""
    return [Wish(sku, quantity) for sku, quantity in session.get(_KEY, {}).items()]


def wishes_in_currency(session: SessionBase, currency: str) -> list[Wish]:
    """What can be one order: all that is on sale in this currency."""
    wishes = wishes_in(session)
    skus = [wish.sku for wish in wishes]
    found = Product.objects.filter(active=True, currency=currency, sku__in=skus)
    together = set(found.values_list("sku", flat=True))
    return [wish for wish in wishes if wish.sku in together]


def put(session: SessionBase, wish: Wish) -> bool:
    """Put some more into the cart; False if it is full of other things."""
    cart = dict(session.get(_KEY, {}))
    if wish.sku not in cart and len(cart) >= MOST_LINES:
        return False
    cart[wish.sku] = min(MOST_OF_ONE, cart.get(wish.sku, 0) + wish.quantity)
    session[_KEY] = cart
    return True


def change(session: SessionBase, wish: Wish) -> None:
    """Let the cart hold so many of what it holds already; none takes it out."""
    cart = dict(session.get(_KEY, {}))
    if wish.sku in cart:
        cart[wish.sku] = min(MOST_OF_ONE, wish.quantity)
        session[_KEY] = {sku: quantity for sku, quantity in cart.items() if quantity > 0}


def take_out(session: SessionBase, wishes: list[Wish]) -> None:
    """What was ordered leaves the cart."""
    for wish in wishes:
        change(session, Wish(wish.sku, 0))


def items_of(wishes: list[Wish]) -> list[Item]:
    """The wishes at today's prices; without what is not sold any more."""
    skus = [wish.sku for wish in wishes]
    products = {each.sku: each for each in Product.objects.filter(active=True, sku__in=skus)}
    left = stock_of(skus)
    return [
        Item(product=products[wish.sku], quantity=wish.quantity, left=left.get(wish.sku))
        for wish in wishes
        if wish.sku in products
    ]
