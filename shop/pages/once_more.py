"""An order that is sent again: the page leads to the one that is there, unless more is wanted."""

import secrets
from collections.abc import Sequence

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac

from orders.models import Order
from orders.states import WANTS_MONEY
from shop.forms import new_key
from shop.history import Entry, history_of
from shop.pages.browser import theirs
from shop.services import Wish
from shop.standing import Standing

FORM = "form"  # names one filled-in form in its address, so that "back" finds the same form again
AGAIN = "again"  # the shopper wants the same things once more, and has said so
_OF_THE_BROWSER = "forms"
_NEWEST = 20


def address_of_a_form(request: HttpRequest) -> str:
    """The same address, with a form of its own."""
    query = request.GET.copy()
    query[FORM] = secrets.token_urlsafe(9)
    return f"{request.path}?{query.urlencode()}"


def address_of_another(request: HttpRequest) -> str:
    """Where the same things are ordered once more."""
    query = request.GET.copy()
    query.pop(FORM, None)
    query[AGAIN] = "1"
    return f"{request.path}?{query.urlencode()}"


def key_of_the_form(request: HttpRequest) -> str:
    """One key for one form in one browser: who is sent its address in another has another key."""
    secret = request.session.setdefault(_OF_THE_BROWSER, new_key())
    form = request.GET.get(FORM, "")
    return salted_hmac("shop.form", form, secret=secret, algorithm="sha256").hexdigest()


def sent_before(request: HttpRequest) -> Entry | None:
    """The shopper's order that this form has made already, however it ended."""
    made = Order.objects.filter(theirs(request), idempotency_key=key_of_the_form(request))
    return next(iter(_entries(made)), None)


def open_twin(request: HttpRequest, wishes: Sequence[Wish]) -> Entry | None:
    """The shopper's order of the same things that may still be paid, or may have been paid."""
    if not wishes or AGAIN in request.GET:
        return None
    wanted = sorted((wish.sku, wish.quantity) for wish in wishes)
    its = Order.objects.filter(theirs(request), status__in=WANTS_MONEY, lines__sku=wanted[0][0])
    for entry in _entries(its):
        lines = sorted((line.sku, line.quantity) for line in entry.order.lines.all())
        if lines == wanted and entry.standing is not Standing.CLOSED:
            return entry
    return None


def _entries(orders: QuerySet[Order]) -> list[Entry]:
    found = orders.order_by("-pk").prefetch_related("lines", "ledger")[:_NEWEST]
    return history_of(list(found), now=timezone.now())
