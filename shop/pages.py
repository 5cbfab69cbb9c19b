"""The pages for shoppers. All of them work without JavaScript."""

import datetime as dt
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from orders.models import Order, OrderLine
from orders.selectors import get_order
from orders.services import IdempotencyKeyReused, OrderError, UnknownOrder
from payments.channels.registry import UnknownChannel, channel_names, get_channel, get_label
from payments.models import Payment
from payments.selectors import payment_in_fog, payments_of, refunds_of
from payments.services import CurrencyNotTaken, pull_forward
from payments.states import Status
from shop import services
from shop.access import is_link_key, order_token
from shop.cadence import interval
from shop.forms import BuyForm, new_key
from shop.models import Product
from shop.money_back import money_back
from shop.standing import MAY_CANCEL, MAY_PAY, NOT_KNOWN_YET, payment_to_watch, standing_of
from shop.stock import FEW, stock_of

STILL_AFTER = 30  # seconds until "confirming" becomes "still confirming"
LEAST_REFRESH = 3  # seconds between two loads of a page without JavaScript
REMEMBERED = 50  # orders a browser


@require_safe
def products(request: HttpRequest) -> HttpResponse:
    shown = list(Product.objects.filter(active=True))
    stock = stock_of([product.sku for product in shown])
    sold_out = {sku for sku, left in stock.items() if left == 0}
    return render(request, "shop/products.html", {"products": shown, "sold_out": sold_out})


@never_cache
def product(request: HttpRequest, sku: str) -> HttpResponse:
    """A product with its order form; the form's hidden key makes a double submit one order."""
    shown = get_object_or_404(Product, sku=sku, active=True)
    form = BuyForm(request.POST or None, label_suffix="")
    if request.method == "POST" and form.is_valid():
        order = _place(form, shown)
        if order:
            _remember(request, order.order_no)
            return redirect("shop:order", order.order_no)
    left = stock_of([sku]).get(sku)
    context = {"product": shown, "form": form, "left": left, "few": FEW}
    return render(request, "shop/product.html", context)


@never_cache
@require_safe
def order(request: HttpRequest, order_no: str) -> HttpResponse:
    shown, now = _order_of(request, order_no), timezone.now()
    payments, refunds = payments_of(order_no=order_no), refunds_of(order_no=order_no)
    ledger = list(shown.ledger.all())
    standing = standing_of(shown, payments, ledger=ledger, refunds=refunds, now=now)
    may_pay = standing in MAY_PAY
    context = {
        "order": shown,
        "lines": _with_emojis(shown),
        "standing": standing,
        "payments": [(payment, get_label(payment.channel)) for payment in payments],
        "refunds": refunds,
        "money_back": money_back(ledger, refunds),
        "channels": _channels_for(shown) if may_pay else [],
        "may_cancel": standing in MAY_CANCEL and shown.cancel_asked_at is None,
        "pay_until": shown.expires_at if may_pay else None,
        "today": now.date(),
    }
    watched = payment_to_watch(payments, ledger=ledger)
    if standing in NOT_KNOWN_YET and watched:
        context |= _watching(shown, watched, now)
    return render(request, "shop/order.html", context)


@csrf_exempt  # some wallets post the shopper back; all that this does is ask the channel sooner
@never_cache
def back(request: HttpRequest, order_no: str) -> HttpResponse:
    """The shopper is back from the wallet, perhaps in another browser: hence the key."""
    if is_link_key(request.GET.get("key", ""), order_no=order_no):
        _remember(request, order_no)
    elif not _knows(request, order_no):
        raise Http404
    payment = payment_in_fog(order_no=order_no)
    if payment:
        pull_forward(payment_no=payment.payment_no, now=timezone.now())
    return redirect("shop:order", order_no)


def pay(request: HttpRequest, order_no: str) -> HttpResponse:
    _order_of(request, order_no)
    if request.method != "POST":  # an address that was kept, or loaded again
        return redirect("shop:order", order_no)
    channel = request.POST.get("channel", "")
    try:
        payment = services.pay(order_no=order_no, channel=channel, now=timezone.now())
    except (services.PaymentUnderWay, OrderError, UnknownChannel, CurrencyNotTaken) as error:
        messages.warning(request, str(error))
        return redirect("shop:order", order_no)
    if payment.status == Status.FAILED:
        messages.error(
            request, f"{get_label(channel)} took no payment. Try again, or pay another way."
        )
    if not payment.in_fog or not payment.action:
        return redirect("shop:order", order_no)
    return redirect(_wallet_url(payment) or reverse("shop:wallet", args=[order_no]))


@never_cache
@require_safe
def wallet(request: HttpRequest, order_no: str) -> HttpResponse:
    """Open the wallet (again): the same payment, so nobody can pay twice by it."""
    shown = _order_of(request, order_no)
    payment = payment_in_fog(order_no=order_no)
    if payment is None or not payment.action:
        return redirect("shop:order", order_no)
    if url := _wallet_url(payment):
        return redirect(url)
    watching = _watching(shown, payment, timezone.now())
    context = {"order": shown, "action": payment.action} | watching
    return render(request, "shop/wallet.html", context)


def cancel(request: HttpRequest, order_no: str) -> HttpResponse:
    _order_of(request, order_no)
    if request.method != "POST":
        return redirect("shop:order", order_no)
    try:
        services.cancel(order_no=order_no, now=timezone.now())
    except OrderError as error:
        messages.warning(request, str(error))
    return redirect("shop:order", order_no)


def _wallet_url(payment: Payment) -> str:
    """Where to send the browser at once; empty for what needs a page of ours: a QR code, a form."""
    action = payment.action or {}
    on_the_web = action.get("url", "").startswith(("https://", "http://"))
    return action["url"] if action.get("kind") == "redirect" and on_the_web else ""


def _place(form: BuyForm, wanted: Product) -> Order | None:
    """Place the order, or put what is wrong into the form."""
    asked = form.cleaned_data
    try:
        return services.place(
            wishes=[services.Wish(wanted.sku, asked["quantity"])],
            email=asked["email"],
            idempotency_key=asked["key"],
            now=timezone.now(),
        )
    except IdempotencyKeyReused:
        # Sent, changed and sent again: the changed form is another order, if the shopper means it.
        form.data = {name: form.data[name] for name in form.data} | {"key": new_key()}
        form.add_error(None, "You have sent this form before. Send it again for a second order.")
    except services.CannotBeOrdered as error:
        form.add_error(None, " ".join(text for texts in error.errors.values() for text in texts))
    return None


def _with_emojis(shown: Order) -> list[tuple[OrderLine, str]]:
    lines = list(shown.lines.all())
    products = Product.objects.filter(sku__in=[line.sku for line in lines])
    emojis = dict(products.values_list("sku", "emoji"))
    return [(line, emojis.get(line.sku, "")) for line in lines]


def _watching(shown: Order, payment: Payment, now: dt.datetime) -> dict[str, Any]:
    """What the page needs to learn the end: by its script, or by loading itself again."""
    since = payment.returned_at or payment.created_at
    age = now - since
    seconds = interval(age)
    return {
        "watched": payment,
        "watched_label": get_label(payment.channel),
        "may_open": payment.in_fog and payment.expires_at > now and not payment.close_asked_at,
        "token": order_token(shown.order_no),
        "push_url": settings.PUSH_URL,
        "still": age.total_seconds() >= STILL_AFTER,
        "still_in": max(0, STILL_AFTER - int(age.total_seconds())),
        "refresh": seconds and max(seconds, LEAST_REFRESH),
    }


def _channels_for(shown: Order) -> list[tuple[str, str]]:
    return [
        (name, get_label(name))
        for name in channel_names()
        if shown.currency in get_channel(name).capabilities.currencies
    ]


def _order_of(request: HttpRequest, order_no: str) -> Order:
    """The order, if this browser placed it or came with its key."""
    if not _knows(request, order_no):
        raise Http404
    try:
        return get_order(order_no=order_no)
    except UnknownOrder:
        raise Http404 from None


def _knows(request: HttpRequest, order_no: str) -> bool:
    return order_no in request.session.get("orders", [])


def _remember(request: HttpRequest, order_no: str) -> None:
    others = [known for known in request.session.get("orders", []) if known != order_no]
    request.session["orders"] = [*others, order_no][-REMEMBERED:]
