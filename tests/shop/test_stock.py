"""What is sold out, or nearly: said before it is ordered, and refused line by line."""

import pytest

from orders.models import Order, Stock
from tests.factories import a_product
from tests.shop.browser import CHECKOUT, an_order, hidden_fields, text_of
from tests.shop.conftest import TEA, App, close_orders, time_runs_out

pytestmark = pytest.mark.django_db
KEY = "a-guest's-own-random-key"
THREE = {"lines": [{"sku": sku, "quantity": 2} for sku in ("tea", "cup", "pot")]}


@pytest.fixture
def stocked(tea):
    def put(**available):
        for sku, count in available.items():
            Stock.objects.update_or_create(sku=sku, defaults={"available": count})

    return put


def test_each_line_of_which_not_so_many_can_be_had_is_named(guest, stocked):
    a_product("cup")
    a_product("pot")
    stocked(tea=2, cup=0, pot=1)

    answer = guest.post("/orders", THREE)

    assert (answer.status_code, answer.json()["type"]) == (400, "urn:nodrop:invalid")
    assert answer.json()["errors"] == {
        "lines.1.sku": ['"cup" is sold out.'],
        "lines.2.quantity": ["Only 1 is left."],
    }


def test_a_refused_order_takes_nothing(guest, stocked):
    a_product("cup")
    a_product("pot")
    stocked(tea=2, cup=0)

    guest.post("/orders", THREE)

    assert not Order.objects.exists()
    assert Stock.objects.get(sku="tea").available == 2


def test_a_repeat_gets_its_order_though_it_took_the_last_ones(guest, stocked):
    stocked(tea=2)

    answers = [guest.post("/orders", TEA, **{"Idempotency-Key": KEY}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert App().post("/orders", TEA).status_code == 400


def test_a_closed_order_leaves_its_goods_to_others(guest, stocked):
    stocked(tea=2)
    guest.order()
    time_runs_out()

    close_orders()

    assert App().post("/orders", TEA).status_code == 201


def test_apps_are_told_how_many_can_be_had(guest, stocked):
    a_product("cup")
    stocked(tea=7)

    products = guest.get("/products").json()["results"]

    assert {product["sku"]: product["left"] for product in products} == {"tea": 7, "cup": None}


@pytest.mark.parametrize(
    ("available", "told"),
    [(0, "Sold out"), (1, "Only 1 left"), (10, "Only 10 left"), (11, ""), (None, "")],
)
def test_the_page_says_what_is_left_when_it_is_little(client, stocked, available, told):
    if available is not None:
        stocked(tea=available)

    page = text_of(client, "/products/tea/")

    assert ('<p class="left">' in page) == bool(told)
    assert told in page
    assert ("Buy now</button>" in page) == (available != 0)


def test_the_list_marks_what_is_sold_out(client, stocked):
    stocked(tea=0)

    assert '<span class="left">Sold out</span>' in text_of(client, "/")


@pytest.mark.parametrize(("left", "said"), [(1, "Only 1 left"), (0, "Sold out")])
def test_a_checkout_that_wants_more_than_is_left_comes_back_and_says_so(
    client, stocked, left, said, settings
):
    settings.NOTIFIERS = {"email": {"CLASS": "", "OPTIONS": {}}}
    form = hidden_fields(client.get(CHECKOUT, follow=True).text)
    stocked(tea=left)

    page = client.post(CHECKOUT, form | {"email": "a@example.com", "channel": "fake"})

    assert (page.status_code, said in page.text) == (200, True)
    assert "Not all of it can be had as it stands." in page.text
    assert "a@example.com" in page.text
    assert "with Fake</button>" not in page.text
    assert not Order.objects.exists()


def test_a_product_of_which_less_is_left_says_so_before_the_checkout(client, stocked):
    stocked(tea=1)

    page = client.post("/products/tea/", {"quantity": "2", "buy": ""})

    assert (page.status_code, "Only 1 is left." in page.text) == (200, True)


def test_a_form_sent_twice_for_the_last_ones_is_one_order(client, stocked):
    stocked(tea=2)
    form = hidden_fields(client.get(CHECKOUT, follow=True).text)

    places = [client.post(CHECKOUT, form)["Location"] for _ in range(2)]

    assert places[0] == places[1]
    assert "How would you like to pay?" in text_of(client, places[0])


def test_the_goods_of_a_cancelled_order_can_be_had_again(client, stocked):
    stocked(tea=2)

    client.post(f"{an_order(client)}cancel/")

    assert Stock.objects.get().available == 2
