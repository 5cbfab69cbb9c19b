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
from shop.forms import BuyNow, Checkout, new_key, say_the_range
from shop.history import Entry
from shop.models import Product
from shop.pages.browser import remember
from shop.pages.channels import ways_to_pay
from shop.pages.once_more import (
    FORM,
    address_of_a_form,
    address_of_another,
    key_of_the_form,
    open_twin,
    sent_before,
)
from shop.pages.paying import start
from shop.services import Wish
from shop.standing import MAY_PAY, NOT_KNOWN_YET, Standing


@never_cache
def checkout(request: HttpRequest) -> HttpResponse:
    """What is ordered travels in the form: sent twice, it is one order, whatever the cart holds.

    The form's key belongs to its address: who comes back to it finds the order that it has made.
    """
    return _take(request) if request.method == "POST" else _offer(request)


def _offer(request: HttpRequest) -> HttpResponse:
    if "sku" in request.GET and (why := _why_it_cannot_be_bought(request)):
        return why
    earlier = sent_before(request)
    wishes = [] if earlier else _wishes_asked_for(request)
    earlier = earlier or open_twin(request, wishes)
    if earlier:
        return _show_earlier(request, earlier)
    if FORM not in request.GET and cart.items_of(wishes):
        return redirect(address_of_a_form(request))
    form = Checkout(label_suffix="", initial={"key": key_of_the_form(request)})
    return _show(request, form, wishes)


def _take(request: HttpRequest) -> HttpResponse:
    wishes = _wishes_sent(request)
    form = Checkout(request.POST, label_suffix="")
    if not wishes or not form.is_valid():
        return _show(request, form, wishes)
    twin = open_twin(request, wishes)
    if twin and twin.order.idempotency_key != form.cleaned_data["key"]:
        said = _("This order of the same things is still open: nothing was ordered a second time.")
        messages.warning(request, said)
        return redirect("shop:order", twin.order.order_no)
    order = _place(request, form, wishes)
    if not order:
        return _show(request, form, wishes)
    remember(request, order.order_no)
    if "currency" in request.GET:
        cart.take_out(request.session, wishes)
    channel = request.POST.get("channel", "")
    return start(request, order, channel) if channel else redirect("shop:order", order.order_no)


def _show_earlier(request: HttpRequest, earlier: Entry) -> HttpResponse:
    context = {
        "order": earlier.order,
        "not_known_yet": earlier.standing in NOT_KNOWN_YET,
        "may_pay": earlier.standing in MAY_PAY,
        "is_paid": earlier.standing in (Standing.PAID, Standing.REVIVED),
        "another": address_of_another(request),
    }
    return render(request, "shop/once_more.html", context)


def _show(request: HttpRequest, form: Checkout, wishes: list[Wish]) -> HttpResponse:
    items = cart.items_of(wishes)
    if not items:
        messages.warning(request, _("There is nothing to order yet."))
        return redirect("shop:cart")
    return render(request, "shop/checkout.html", _context(form, items))


def _why_it_cannot_be_bought(request: HttpRequest) -> HttpResponse | None:
    """An address that was typed, or is older than the shop's goods."""
    asked, sku = BuyNow(request.GET), request.GET["sku"]
    if not Product.objects.filter(sku=sku, active=True).exists():
        messages.warning(request, _("That is not sold here (any more)."))
        return redirect("shop:products")
    if not asked.is_valid():
        messages.warning(request, say_the_range())
        return redirect("shop:product", sku)
    return None


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
            email=asked.get("email", ""),
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
