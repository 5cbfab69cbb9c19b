"""The storefront, and one product."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from shop import cart
from shop.forms import HowMany
from shop.models import Product
from shop.services import Wish
from shop.stock import FEW, stock_of


@never_cache
@require_safe
def products(request: HttpRequest) -> HttpResponse:
    shown = list(Product.objects.filter(active=True))
    stock = stock_of([product.sku for product in shown])
    sold_out = {sku for sku, left in stock.items() if left == 0}
    return render(request, "shop/products.html", {"products": shown, "sold_out": sold_out})


@never_cache
def product(request: HttpRequest, sku: str) -> HttpResponse:
    """A product: to buy it now, or to put it into the cart."""
    shown = get_object_or_404(Product, sku=sku, active=True)
    left = stock_of([sku]).get(sku)
    form = HowMany(request.POST or None, left=left, label_suffix="")
    if request.method == "POST" and form.is_valid():
        wish = Wish(sku, form.cleaned_data["quantity"])
        if "buy" in request.POST:
            query = urlencode({"sku": wish.sku, "quantity": wish.quantity})
            return redirect(f"{reverse('shop:checkout')}?{query}")
        if cart.put(request.session, wish):
            return redirect("shop:cart")
        form.cart_is_full()
    context = {"product": shown, "form": form, "left": left, "few": FEW}
    return render(request, "shop/product.html", context)
