"""To the wallet, and back from it. What can't be done is said on the order's page."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from orders.models import Order
from orders.services import OrderError, OrderNotCancellable
from payments.channels.registry import UnknownChannel
from payments.models import Payment
from payments.selectors import payment_in_fog
from payments.services import CurrencyNotTaken, pull_forward
from payments.states import Status
from shop import services
from shop.access import is_link_key
from shop.pages.browser import order_of, remember
from shop.pages.channels import label_of
from shop.pages.watching import watching


def pay(request: HttpRequest, order_no: str) -> HttpResponse:
    order = order_of(request, order_no)
    if request.method != "POST":  # an address that was kept, or loaded again
        return redirect("shop:order", order_no)
    return start(request, order, request.POST.get("channel", ""))


def start(request: HttpRequest, order: Order, channel: str) -> HttpResponse:
    """Start a payment, or go on with the one that is open, and lead the shopper to it."""
    try:
        payment = services.pay(order_no=order.order_no, channel=channel, now=timezone.now())
    except (services.PaymentUnderWay, OrderError, UnknownChannel, CurrencyNotTaken) as error:
        messages.warning(request, _why_not(error))
        return redirect("shop:order", order.order_no)
    if payment.status == Status.FAILED:
        said = _("%(wallet)s took no payment. Try again, or pay another way.")
        messages.error(request, said % {"wallet": label_of(channel)})
    if not payment.in_fog or not payment.action:
        return redirect("shop:order", order.order_no)
    return redirect(_wallet_url(payment) or reverse("shop:wallet", args=[order.order_no]))


@never_cache
@require_safe
def wallet(request: HttpRequest, order_no: str) -> HttpResponse:
    """Open the wallet (again): the same payment, so nobody can pay twice by it."""
    order = order_of(request, order_no)
    payment = payment_in_fog(order_no=order_no)
    if payment is None or not payment.action:
        return redirect("shop:order", order_no)
    if url := _wallet_url(payment):
        return redirect(url)
    now = timezone.now()
    context = {"order": order, "action": payment.action, "now": now}
    return render(request, "shop/wallet.html", context | watching(order, payment, now=now))


@csrf_exempt  # some wallets post the shopper back; all that this does is ask the channel sooner
@never_cache
def back(request: HttpRequest, order_no: str) -> HttpResponse:
    """The shopper is back from the wallet, perhaps in another browser: hence the key."""
    if is_link_key(request.GET.get("key", ""), order_no=order_no):
        remember(request, order_no)
    else:
        order_of(request, order_no)
    payment = payment_in_fog(order_no=order_no)
    if payment:
        pull_forward(payment_no=payment.payment_no, now=timezone.now())
    return redirect("shop:order", order_no)


def cancel(request: HttpRequest, order_no: str) -> HttpResponse:
    order_of(request, order_no)
    if request.method != "POST":
        return redirect("shop:order", order_no)
    try:
        services.cancel(order_no=order_no, now=timezone.now())
    except OrderError as error:
        messages.warning(request, _why_not(error))
    return redirect("shop:order", order_no)


def _wallet_url(payment: Payment) -> str:
    """Where to send the browser at once; empty for what needs a page of ours: a QR code, a form."""
    action = payment.action or {}
    on_the_web = action.get("url", "").startswith(("https://", "http://"))
    return action["url"] if action.get("kind") == "redirect" and on_the_web else ""


def _why_not(error: Exception) -> str:
    """Why an order was not paid or cancelled, in the shopper's words."""
    if isinstance(error, services.AlreadyPaid):
        return _("This order has been paid: nothing more is to be paid.")
    if isinstance(error, services.StillBeingConfirmed):
        return _(
            "A payment of this order is still being confirmed: wait for it, and don't pay again. "
            "You can pay another way as soon as we know that it was not paid."
        )
    if isinstance(error, services.OtherMoneyCame):
        return _(
            "Money came, but not as this order asks for it: it has to go back before you pay again."
        )
    if isinstance(error, OrderNotCancellable):
        return _("The order is paid or closed already: it can't be cancelled.")
    if isinstance(error, UnknownChannel | CurrencyNotTaken):
        return _("That way of paying is not offered for this order. Take another one.")
    return _("This order takes no payment any more.")
