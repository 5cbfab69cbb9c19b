"""Lists in pages, and the orders so far of users and guests."""

import pytest

from orders.models import Order
from shop.models import Product
from tests.factories import a_product
from tests.flows.test_budgets import Statements
from tests.shop.conftest import TEA, App

pytestmark = pytest.mark.django_db


def pages(app, path, **headers):
    """All pages of a list, two rows each, by the public number of each row."""
    seen, cursor = [], ""
    while cursor is not None:
        answer = app.get(f"{path}?limit=2{cursor and f'&cursor={cursor}'}", **headers).json()
        seen.append([row.get("sku") or row["order_no"] for row in answer["results"]])
        cursor = answer["next_cursor"]
    return seen


def tokens(*orders):
    return {"X-Order-Tokens": ", ".join(f"{each['order_no']}:{each['token']}" for each in orders)}


def placed(app, count=1):
    return [app.post("/orders", TEA).json() for _ in range(count)]


def numbers(answer):
    return [order["order_no"] for order in answer.json()["results"]]


def test_goods_come_in_pages_until_there_are_no_more(guest):
    for sku in ("cup", "pot", "spoon", "tin"):
        a_product(sku)

    assert pages(guest, "/products") == [["tea", "cup"], ["pot", "spoon"], ["tin"]]


def test_a_full_last_page_is_followed_by_none(guest):
    a_product("cup")

    assert pages(guest, "/products") == [["tea", "cup"]]


def test_what_comes_and_goes_between_two_pages_shifts_nothing(guest):
    for sku in ("cup", "pot"):
        a_product(sku)
    cursor = guest.get("/products?limit=2").json()["next_cursor"]
    Product.objects.filter(sku__in=["tea", "cup"]).update(active=False)

    rest = guest.get(f"/products?limit=2&cursor={cursor}").json()["results"]

    assert [product["sku"] for product in rest] == ["pot"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("limit=", "limit"),
        ("cursor=", "cursor"),
        ("cursor=never-sold", "cursor"),
        ("cursor=a%00b", "cursor"),
    ],
)
def test_a_page_that_can_not_be_is_refused(guest, query, field):
    answer = guest.get(f"/products?{query}")

    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])


def test_one_product_can_be_read_as_long_as_it_is_sold(guest):
    a_product("old", active=False)

    assert guest.get("/products/tea").json() == guest.get("/products").json()["results"][0]
    assert [guest.get(f"/products/{sku}").status_code for sku in ("old", "none")] == [404, 404]


def test_channels_are_those_that_take_the_currency(guest):
    assert len(guest.get("/channels?currency=JPY").json()) == 2
    assert guest.get("/channels?currency=CHF").json() == []
    assert guest.get("/channels?currency=yen").status_code == 400


def test_a_user_sees_her_own_orders_the_newest_first(ann, bob):
    mine = [order["order_no"] for order in placed(ann, 3)]
    placed(bob)

    assert pages(ann, "/orders") == [mine[:0:-1], mine[:1]]


def test_a_guest_sees_the_orders_whose_tokens_come_along(guest, ann):
    orders = placed(guest, 3)
    wrong = placed(guest)[0] | {"token": orders[0]["token"]}

    assert pages(guest, "/orders", **tokens(*orders, wrong)) == [
        [orders[2]["order_no"], orders[1]["order_no"]],
        [orders[0]["order_no"]],
    ]


def test_what_she_bought_as_a_guest_is_listed_with_what_she_bought_as_a_user(ann, guest):
    before, since = placed(guest)[0], placed(ann)[0]

    answer = ann.get("/orders", **tokens(before))

    assert numbers(answer) == [since["order_no"], before["order_no"]]


def test_nobody_in_particular_has_no_list(guest):
    answer = guest.get("/orders")

    assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")
    assert "X-Order-Tokens" in answer.json()["detail"]


@pytest.mark.parametrize("shown", ["", "N1", "N1:abc", "N1:" + "g" * 64, ",".join(["x"] * 51)])
def test_tokens_that_are_none_are_refused(guest, shown):
    answer = guest.get("/orders", **{"X-Order-Tokens": shown})

    assert list(answer.json()["errors"]) == ["X-Order-Tokens"]


def test_another_ones_order_is_no_cursor(ann, bob):
    [order] = placed(bob)

    assert ann.get(f"/orders?cursor={order['order_no']}").status_code == 400


def test_a_page_of_orders_costs_the_same_however_many_there_are(ann):
    costs = []
    for _ in range(2):
        placed(ann, 5)
        with Statements("a page of orders") as statements:
            ann.get("/orders")
        costs.append(statements.count)

    assert costs == [3, 3]  # the token, the orders, their lines
    assert Order.objects.count() == 10


def test_the_order_tells_what_its_page_tells(guest, channel):
    order = guest.order()
    before = guest.get(f"/orders/{order['order_no']}").json()
    payment = guest.pay(order)
    during = guest.get(f"/orders/{order['order_no']}").json()

    assert (before["standing"], before["may_pay"], before["may_cancel"]) == ("unpaid", True, True)
    assert (during["standing"], during["may_pay"]) == ("confirming", False)
    assert during["payments"][0]["payment_no"] == payment["payment_no"]


def test_the_answers_id_is_the_problems_and_the_logs(guest, caplog):
    with caplog.at_level("INFO"):
        answer = App().get("/orders/N0")

    assert answer["X-Request-Id"] == answer.json()["request_id"]
    assert answer["X-Request-Id"] in caplog.text


@pytest.mark.parametrize("path", ["/api/v2", "/api/v2/orders", "/api/v0/products", "/api/v10/x"])
def test_a_version_that_is_not_spoken_says_which_one_is(client, path):
    answer = client.get(path)

    assert (answer.status_code, answer.json()["type"]) == (404, "urn:nodrop:unknown-version")
    assert "/api/v1/" in answer.json()["detail"]
