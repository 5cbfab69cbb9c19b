"""The same things ordered again: the shopper is led to her order, unless she wants them twice."""

import pytest
from django.test import Client

from orders.models import Order
from payments.channels.base import ChannelState
from payments.channels.registry import get_channel
from payments.models import Payment
from tests.factories import a_product
from tests.shop.browser import CHECKOUT, an_order, buy, end, hidden_fields, text_of, the_payment
from tests.shop.conftest import time_runs_out

pytestmark = pytest.mark.django_db
CART = "/checkout/?currency=CNY"


@pytest.fixture(autouse=True)
def _goods(tea):
    a_product("cup")


def opened(browser, path=CHECKOUT):
    """The address that the checkout ends at, and the form that it shows."""
    page = browser.get(path, follow=True)
    return page.redirect_chain[-1][0], hidden_fields(page.text)


def said_at(browser, path=CHECKOUT):
    return " ".join(browser.get(path, follow=True).text.split())


@pytest.mark.parametrize("ended", [False, True], ids=["in-the-fog", "paid"])
def test_back_to_the_checkout_shows_no_second_bill_but_the_way_to_the_order(client, ended):
    address, form = opened(client)
    client.post(address, form | {"channel": "fake"})
    get_channel("fake").know(the_payment())
    if ended:
        end(ChannelState.PAID)

    page = said_at(client, address)

    assert ("is paid: CN¥25.00 arrived" if ended else "<strong>do not pay again</strong>") in page
    assert f'<a class="button" href="/orders/{Order.objects.get().order_no}/">' in page
    assert 'name="channel"' not in page


@pytest.mark.parametrize("ended", [False, True], ids=["in-the-fog", "paid"])
def test_a_page_that_the_browser_kept_sends_the_same_order_again(client, ended):
    address, form = opened(client)
    client.post(address, form | {"channel": "fake"})
    get_channel("fake").know(the_payment())
    if ended:
        end(ChannelState.PAID)

    answer = client.post(address, form | {"channel": "fake"})

    order = f"/orders/{Order.objects.get().order_no}/"
    assert answer["Location"] == (order if ended else the_payment().action["url"])
    assert Payment.objects.count() == 1


def test_the_cart_too_is_ordered_once_by_one_form(client):
    client.post("/products/tea/", {"quantity": "2", "cart": ""})
    address, form = opened(client, CART)
    client.post(address, form | {"channel": "fake"})

    page = said_at(client, address)

    assert "do not pay again" in page


def test_buying_the_same_again_in_the_fog_is_shown_and_refused(client):
    address, unsent = opened(client)
    buy(client, channel="fake")

    shown = said_at(client)
    refused = client.post(address, unsent | {"channel": "fake"}, follow=True)

    assert "Your payment of CN¥25.00 for the same things is still being confirmed" in shown
    assert refused.redirect_chain[0][0] == f"/orders/{Order.objects.get().order_no}/"
    assert "nothing was ordered a second time" in refused.text
    assert Payment.objects.count() == 1


def test_an_order_that_waits_for_its_payment_is_not_placed_a_second_time(client):
    an_order(client)

    assert "for CN¥25.00 is waiting for its payment." in said_at(client)


def test_who_wants_the_same_things_once_more_says_so_and_pays_two_orders(client):
    buy(client, channel="fake")
    another = said_at(client).split('<p class="aside"><a href="')[1].split('"')[0]

    buy(client, another.replace("&amp;", "&"), channel="fake")

    assert Order.objects.count() == Payment.objects.count() == 2


def test_what_is_wanted_once_more_is_ordered_once_more_and_no_oftener(client):
    an_order(client)
    address, form = opened(client, f"{CHECKOUT}&again=1")
    client.post(address, form)

    client.post(address, form)

    assert Order.objects.count() == 2
    assert "is waiting for its payment" in said_at(client, address)


def test_other_things_and_other_numbers_are_another_order(client):
    an_order(client)

    for path in ("/checkout/?sku=tea&quantity=3", "/checkout/?sku=cup&quantity=2"):
        assert 'name="channel"' in said_at(client, path)


def test_an_order_whose_time_is_over_or_that_is_cancelled_stands_in_nobodys_way(client):
    client.post(f"{an_order(client)}cancel/")
    an_order(client)
    time_runs_out()

    assert 'name="channel"' in said_at(client)


def test_the_address_of_a_form_is_another_form_in_another_browser(client):
    address, form = opened(client)
    client.post(address, form)

    page = Client().get(address)

    assert 'name="channel"' in page.text
    assert hidden_fields(page.text)["key"] != form["key"]


def test_a_form_that_is_loaded_again_keeps_its_key(client):
    address, form = opened(client)

    assert hidden_fields(client.get(address).text)["key"] == form["key"]
    assert "Check out</h1>" in text_of(client, address)
