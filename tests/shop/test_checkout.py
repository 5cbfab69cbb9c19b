"""The checkout: one form is one order, at the price that was seen, and leads to the wallet."""

import pytest
from django.test import Client

from orders.models import Order
from payments.models import Payment
from shop.models import Product
from tests.factories import a_product
from tests.shop.browser import CHECKOUT, buy, hidden_fields, the_payment

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _goods(tea):
    a_product("matcha", price=2400, currency="JPY")


def order_of(answer):
    return answer["Location"].split("/")[2]


def test_one_tap_orders_and_leads_to_the_wallet(client, settings):
    settings.NOTIFIERS = {"email": {"CLASS": "", "OPTIONS": {}}}
    answer = buy(client, email="ann@example.com", channel="fake")

    assert answer["Location"] == the_payment().action["url"]
    order = Order.objects.get()
    assert (order.email, order.total, order.status) == ("ann@example.com", 2500, "paying")


def test_buying_now_shows_what_it_costs_and_every_way_to_pay(client):
    page = client.post("/products/tea/", {"quantity": "2", "buy": ""}, follow=True).text

    assert "Pay CN¥25.00 with Fake" in page
    assert "Pay CN¥25.00 with Other" in page


def test_the_form_sent_twice_with_a_channel_is_one_order_and_one_payment(client):
    form = hidden_fields(client.get(CHECKOUT, follow=True).text) | {"channel": "fake"}

    places = {client.post(CHECKOUT, form)["Location"] for _ in range(2)}

    assert len(places) == Order.objects.count() == Payment.objects.count() == 1


def test_a_cart_sent_twice_is_one_order_though_the_first_emptied_it(client):
    client.post("/products/tea/", {"quantity": "2", "cart": ""})
    form = hidden_fields(client.get("/checkout/?currency=CNY", follow=True).text)

    places = {client.post("/checkout/?currency=CNY", form)["Location"] for _ in range(2)}

    assert len(places) == Order.objects.count() == 1
    assert client.session["cart"] == {}


def test_buying_now_leaves_the_cart_alone(client):
    client.post("/products/tea/", {"quantity": "5", "cart": ""})

    buy(client)

    assert client.session["cart"] == {"tea": 5}


def test_a_price_that_has_changed_is_shown_before_it_is_charged(client):
    form = hidden_fields(client.get(CHECKOUT, follow=True).text)
    Product.objects.filter(sku="tea").update(price=1300)

    asked = client.post(CHECKOUT, form)
    orders = Order.objects.count()
    agreed = client.post(CHECKOUT, hidden_fields(asked.text))

    assert "The price has changed" in asked.text
    assert "CN¥26.00" in asked.text
    assert orders == 0
    assert Order.objects.get(order_no=order_of(agreed)).total == 2600


def test_a_repeat_is_the_same_order_even_at_another_price(client):
    form = hidden_fields(client.get(CHECKOUT, follow=True).text)
    first = client.post(CHECKOUT, form)
    Product.objects.filter(sku="tea").update(price=1300)

    assert client.post(CHECKOUT, form)["Location"] == first["Location"]


@pytest.mark.parametrize(
    "wishes",
    [
        [],
        ["tea"],
        ["tea:0"],
        ["tea:100"],
        ["tea:2", "../x:1"],
        ["nothing:1"],
    ],
    ids=str,
)
def test_a_form_that_is_not_as_the_page_wrote_it_orders_nothing(client, wishes):
    answer = buy(client, wish=wishes)

    assert answer["Location"] == "/cart/"
    assert not Order.objects.exists()


@pytest.mark.parametrize("wishes", [["tea:1", "matcha:1"], ["tea:1", "tea:1"], ["tea:1", "no:1"]])
def test_what_can_not_be_one_order_comes_back(client, wishes):
    answer = buy(client, wish=wishes)

    assert (answer.status_code, "Not all of it can be had" in answer.text) == (200, True)
    assert not Order.objects.exists()


@pytest.mark.parametrize("address", ["", "?currency=CNY"])
def test_a_checkout_of_nothing_leads_to_the_cart(client, address):
    page = client.get(f"/checkout/{address}", follow=True)

    assert page.redirect_chain == [("/cart/", 302)]
    assert "There is nothing to order yet." in page.text


@pytest.mark.parametrize("quantity", ["", "&quantity=-3", "&quantity=abc", "&quantity=1e9"])
def test_a_checkout_of_a_number_that_cannot_be_says_so_at_the_product(client, quantity):
    client.post("/products/tea/", {"quantity": "2", "cart": ""})

    page = client.get(f"/checkout/?sku=tea{quantity}", follow=True)

    assert page.redirect_chain == [("/products/tea/", 302)]
    assert "Order 1 to 99." in page.text


@pytest.mark.parametrize("sku", ["nothing", "../x", ""])
def test_a_checkout_of_what_is_not_sold_says_so(client, sku):
    page = client.get("/checkout/", {"sku": sku, "quantity": "1"}, follow=True)

    assert page.redirect_chain == [("/", 302)]
    assert "That is not sold here (any more)." in page.text


@pytest.mark.parametrize("field", ["key", "total"])
def test_a_form_without_what_the_page_wrote_into_it_is_to_be_sent_again(client, field):
    page = buy(client, **{field: ""})

    assert "Please send the form again." in page.text
    assert not Order.objects.exists()


def test_who_has_signed_in_owns_what_she_orders(client, django_user_model):
    ann = django_user_model.objects.create_user("ann", password="secret")
    client.force_login(ann)

    order = order_of(buy(client))

    assert Order.objects.get(order_no=order).owner == ann
    other = Client()
    other.force_login(ann)
    assert other.get(f"/orders/{order}/").status_code == 200
