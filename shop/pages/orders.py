"""An order, with where it stands; and the list of a shopper's orders."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from orders.models import Order
from orders.seen import note_seen
from orders.services import note_email
from payments.models import Payment
from payments.selectors import payments_of, refunds_of
from payments.services import pull_forward
from shop.forms import TellMe, writes_mail
from shop.history import history_of
from shop.money_back import money_back
from shop.pages.browser import order_of, theirs
from shop.pages.channels import label_of, ways_to_pay
from shop.pages.watching import LEAST_REFRESH, listening, watching
from shop.selectors import emojis_of
from shop.standing import (
    MAY_CANCEL,
    MAY_PAY,
    NOT_KNOWN_YET,
    Standing,
    payment_to_watch,
    standing_of,
)
from shop.words import HEADINGS

ON_A_PAGE = 20
MAY_CHANGE = frozenset({Standing.PAID, Standing.REVIVED, Standing.REFUND_COMING})
WAITING = "waiting"  # in the address that a page without JavaScript loads again
WAITING_HEADER = "X-Waiting"  # of the script's loads


@never_cache
@require_safe
def order(request: HttpRequest, order_no: str) -> HttpResponse:
    shown, now = order_of(request, order_no), timezone.now()
    payments, refunds = payments_of(order_no=order_no), refunds_of(order_no=order_no)
    ledger = list(shown.ledger.all())
    standing = standing_of(shown, payments, ledger=ledger, refunds=refunds, now=now)
    may_pay = standing in MAY_PAY
    lines = list(shown.lines.all())
    context = {
        "order": shown,
        "lines": lines,
        "emojis": emojis_of(lines),
        "standing": standing,
        "heading": HEADINGS[standing],
        "not_known_yet": standing in NOT_KNOWN_YET,
        "payments": [(payment, label_of(payment.channel)) for payment in payments],
        "refunds": refunds,
        "money_back": money_back(ledger, refunds),
        "channels": ways_to_pay(shown.currency) if may_pay else [],
        "may_cancel": standing in MAY_CANCEL and shown.cancel_asked_at is None,
        "pay_until": shown.expires_at if may_pay else None,
        "now": now,
    }
    note_seen(order_no=order_no, version=shown.version)
    watched = payment_to_watch(payments, ledger=ledger)
    if standing in NOT_KNOWN_YET and watched:
        context |= watching(shown, watched, now=now)
        if _has_come_back(request) and pull_forward(payment_no=watched.payment_no, now=now):
            context["refresh"] = LEAST_REFRESH
    if standing is Standing.CONFIRMING and watched:
        context |= _confirming(shown, watched)
    if "watched" not in context and (standing in MAY_CHANGE or context["money_back"]):
        context |= listening(shown)
    return render(request, "shop/order.html", context)


@never_cache
@require_safe
def orders(request: HttpRequest) -> HttpResponse:
    """The newest first; `before` is the number of the order that the page before ended with."""
    seen = Order.objects.filter(theirs(request))
    before = seen.filter(order_no=request.GET.get("before", "")).first()
    rows = seen.filter(pk__lt=before.pk) if before else seen
    found = list(rows.order_by("-pk").prefetch_related("lines", "ledger")[: ON_A_PAGE + 1])
    shown, now = found[:ON_A_PAGE], timezone.now()
    context = {
        "history": history_of(shown, now=now),
        "emojis": emojis_of([line for each in shown for line in each.lines.all()]),
        "older_than": shown[-1].order_no if len(found) > ON_A_PAGE else "",
        "now": now,
    }
    return render(request, "shop/orders.html", context)


def tell_me(request: HttpRequest, order_no: str) -> HttpResponse:
    """She leaves before the end is known, and wants to be written to."""
    order_of(request, order_no)
    form = TellMe(request.POST)
    if not writes_mail():
        return redirect("shop:order", order_no)
    if request.method == "POST" and form.is_valid():
        address, language = form.cleaned_data["email"], get_language() or ""
        note_email(order_no=order_no, email=address, language=language)
        messages.success(request, _("We will write to %(email)s.") % {"email": address})
    elif request.method == "POST":
        messages.error(request, " ".join(str(error) for error in form.errors["email"]))
    return redirect("shop:order", order_no)


def _has_come_back(request: HttpRequest) -> bool:
    """Whether she has opened the page; not, if a page that waits has loaded itself again."""
    return WAITING not in request.GET and WAITING_HEADER not in request.headers


def _confirming(shown: Order, watched: Payment) -> dict[str, Any]:
    """Another way to pay is offered all the same: it closes what is open first, or is refused."""
    label = label_of(watched.channel)
    nowhere_to_pay = watched.in_fog and not watched.action
    heading = _("Waiting for %(wallet)s") % {"wallet": label}
    others = ways_to_pay(shown.currency, but=watched.channel) if watched.in_fog else []
    mail = writes_mail()
    told = {
        "may_tick": not nowhere_to_pay,
        "other_channels": others,
        "tell_me": TellMe(label_suffix="", initial={"email": shown.email}) if mail else None,
        "writes_to": shown.email if mail else "",
    }
    return told | ({"heading": heading} if nowhere_to_pay else {})
