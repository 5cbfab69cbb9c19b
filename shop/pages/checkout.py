"""The checkout: of one thing that is bought now, or of what the cart holds in one currency."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from orders.models import Order
from orders.services import IdempotencyKeyReused
from shop import cart, services
from shop.forms import BuyNow, Checkout, new_key
from shop.pages.browser import remember
from shop.pages.channels import ways_to_pay
from shop.pages.paying import start
from shop.services import Wish


@never_cache
def checkout(request: HttpRequest) -> HttpResponse:
    """What is ordered travels in the form: sent twice, it is one order, whatever the cart holds."""
    is_sent = request.method == "POST"
    wishes = _wishes_sent(request) if is_sent else _wishes_asked_for(request)
    form = Checkout(request.POST if is_sent else None, label_suffix="")
    if wishes and is_sent and form.is_valid():
        order = _place(request, form, wishes)
        if order:
            remember(request, order.order_no)
            if "currency" in request.GET:
                cart.take_out(request.session, wishes)
            channel = request.POST.get("channel", "")
            return (
                start(request, order, channel)
                if channel
                else redirect("shop:order", order.order_no)
            )
    items = cart.items_of(wishes)
    if not items:
        messages.warning(request, _("There is nothing to order yet."))
        return redirect("shop:cart")
    return render(request, "shop/checkout.html", _context(form, items))


def _wishes_asked_for(request: HttpRequest) -> list[Wish]:
    asked = BuyNow(request.GET)
    if asked.is_valid():
        return [Wish(**asked.cleaned_data)]
    return cart.wishes_in_currency(request.session, request.GET.get("currency", ""))


def _wishes_sent(request: HttpRequest) -> list[Wish]:
    """Nothing, if any of it is not as our own page wrote it."""
    wishes = []
    for text in request.POST.getlist("wish"):
        sku, _colon, quantity = text.partition(":")
        sent = BuyNow({"sku": sku, "quantity": quantity})
        if not sent.is_valid():
            return []
        wishes.append(Wish(**sent.cleaned_data))
    return wishes


def _place(request: HttpRequest, form: Checkout, wishes: list[Wish]) -> Order | None:
    """Place the order, or put what is in its way into the form."""
    asked = form.cleaned_data
    try:
        return services.place(
            wishes=wishes,
            email=asked["email"],
            owner_id=request.user.pk,
            idempotency_key=asked["key"],
            agreed_total=asked["total"],
            now=timezone.now(),
        )
    except IdempotencyKeyReused:
        # Sent, changed and sent again: the changed form is another order, if the shopper means it.
        why = _("You have sent this form before. Send it again for a second order.")
        form.ask_again(why, key=new_key())
    except services.PriceChanged as error:
        form.ask_again(_("The price has changed. Please look at the new total."), total=error.total)
    except services.CannotBeOrdered:
        form.ask_again(_("Not all of it can be had as it stands. Please look at it again."))
    return None


def _context(form: Checkout, items: list[cart.Item]) -> dict[str, object]:
    total = sum(item.total for item in items)
    currency = items[0].product.currency
    form.initial["total"] = total
    return {
        "form": form,
        "items": items,
        "total": total,
        "currency": currency,
        "can_be_had": all(item.can_be_had for item in items),
        "channels": ways_to_pay(currency),
    }
