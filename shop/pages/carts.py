"""The cart, and what is paid together: one order has one currency."""

from itertools import groupby

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from shop import cart
from shop.forms import InCart
from shop.services import MOST_OF_ONE, Wish


@never_cache
def show(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        form = InCart(request.POST)
        if form.is_valid():
            cart.change(request.session, Wish(**form.cleaned_data))
        return redirect("shop:cart")
    items = cart.items_of(cart.wishes_in(request.session))
    parts = [
        {
            "currency": currency,
            "items": (together := list(part)),
            "total": sum(item.total for item in together),
            "can_be_had": all(item.can_be_had for item in together),
        }
        for currency, part in groupby(sorted(items, key=_currency), key=_currency)
    ]
    return render(request, "shop/cart.html", {"parts": parts, "most": MOST_OF_ONE})


def _currency(item: cart.Item) -> str:
    return item.product.currency
