"""A shopper's browser without JavaScript, and what the channel does meanwhile."""

import re

from django.http import HttpResponse
from django.test import Client

from payments.channels.base import ChannelState
from payments.channels.registry import get_channel
from payments.models import Payment
from tests.shop.conftest import learn, tell_orders

CHECKOUT = "/checkout/?sku=tea&quantity=2"


def hidden_fields(page: str) -> dict[str, list[str]]:
    """What the form of a page sends besides what is filled in."""
    fields: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page):
        fields.setdefault(name, []).append(value)
    return fields


def buy(browser: Client, path: str = CHECKOUT, **changed: object) -> HttpResponse:
    """The checkout is opened and sent, without a channel: the order is placed and not yet paid."""
    return browser.post(path, hidden_fields(browser.get(path, follow=True).text) | changed)


def an_order(browser: Client) -> str:
    """Its path. She may have such an order already, and wants another."""
    path = buy(browser, f"{CHECKOUT}&again=1")["Location"]
    assert path.startswith("/orders/")
    return path


def pay(browser: Client, order: str, channel: str = "fake") -> HttpResponse:
    return browser.post(f"{order}pay/", {"channel": channel})


def text_of(browser: Client, path: str) -> str:
    return re.sub(r"\s+", " ", browser.get(path).text)


def the_payment() -> Payment:
    """The newest."""
    return Payment.objects.latest("id")


def end(state: ChannelState) -> None:
    """The channel ends the payment, and everybody learns of it."""
    fake = get_channel("fake")
    if state is ChannelState.PAID:
        fake.pay(the_payment().payment_no)
    else:
        fake.end(the_payment().payment_no, state)
    learn(the_payment().payment_no)
    tell_orders()
