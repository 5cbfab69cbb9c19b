"""The cart: what one browser wants, and what of it is paid together."""

import re

import pytest
from django.test import Client

from orders.models import Order, Stock
from shop.models import Product
from shop.services import MOST_LINES, MOST_OF_ONE
from tests.factories import a_product
from tests.shop.browser import buy, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _goods(tea):
    a_product("cup", price=800)
    a_product("matcha", price=2400, currency="JPY")


def put(browser, sku, quantity=1):
    return browser.post(f"/products/{sku}/", {"quantity": quantity, "cart": ""})


def change(browser, sku, quantity):
    browser.post("/cart/", {"sku": sku, "quantity": quantity})


def totals(browser):
    page = text_of(browser, "/cart/")
    return re.findall(r'Total</span> <strong class="amount">([^<]+)</strong>', page)


def test_what_is_put_in_is_there_and_counted_on_every_page(client):
    put(client, "tea", 2)
    put(client, "cup")
    put(client, "tea")

    assert totals(client) == ["CN¥45.50"]
    assert '<span class="count">4</span>' in text_of(client, "/")


def test_a_cart_is_another_browsers_business_only_there(client):
    put(client, "tea")

    assert "Nothing in it yet." in text_of(Client(), "/cart/")


def test_more_less_and_none(client):
    put(client, "tea")
    change(client, "tea", 3)
    more = totals(client)
    change(client, "tea", 0)

    assert more == ["CN¥37.50"]
    assert "Nothing in it yet." in text_of(client, "/cart/")


@pytest.mark.parametrize(("sku", "quantity"), [("cup", 1), ("tea", -1), ("tea", "x"), ("", 1)])
def test_what_was_never_put_in_or_makes_no_sense_changes_nothing(client, sku, quantity):
    put(client, "tea")

    change(client, sku, quantity)

    assert totals(client) == ["CN¥12.50"]


def test_a_cart_holds_no_more_of_a_thing_than_can_be_ordered(client):
    put(client, "tea", MOST_OF_ONE)
    put(client, "tea", MOST_OF_ONE)

    assert client.session["cart"] == {"tea": MOST_OF_ONE}


def test_a_full_cart_says_so(client):
    for number in range(MOST_LINES):
        a_product(f"thing-{number}")
        put(client, f"thing-{number}")

    page = put(client, "tea")

    assert "Your cart is full" in page.text
    assert len(client.session["cart"]) == MOST_LINES


def test_two_currencies_are_two_orders_and_each_takes_only_its_own_out(client):
    put(client, "tea")
    put(client, "matcha")
    put(client, "cup")
    assert totals(client) == ["CN¥20.50", "JP¥2,400"]

    buy(client, "/checkout/?currency=CNY")

    order = Order.objects.get()
    assert [line.sku for line in order.lines.all()] == ["tea", "cup"]
    assert (order.total, order.currency) == (2050, "CNY")
    assert totals(client) == ["JP¥2,400"]


def test_what_is_not_sold_any_more_leaves_the_cart_by_itself(client):
    put(client, "tea")
    put(client, "cup")
    Product.objects.filter(sku="cup").update(active=False)

    assert totals(client) == ["CN¥12.50"]


def test_what_can_not_be_had_in_that_number_is_marked_and_holds_up_the_checkout(client):
    put(client, "tea", 3)
    Stock.objects.create(sku="tea", available=1)

    page = text_of(client, "/cart/")

    assert "Only 1 left" in page
    assert "Check out</a>" not in page
