"""What every page shows around its content."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from shop.cart import wishes_in


def frame(request: HttpRequest) -> dict[str, Any]:
    """How many things the cart holds; the session is read only where that is shown."""
    count = SimpleLazyObject(lambda: sum(wish.quantity for wish in wishes_in(request.session)))
    return {"in_cart": count}
