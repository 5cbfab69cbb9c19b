"""Placing, reading and cancelling an order over the API."""

import pytest

from orders.models import Order
from orders.states import OrderStatus
from payments.channels.base import OutcomeUnknown
from payments.states import Status
from shop.models import Product
from tests.factories import a_product
from tests.shop.conftest import TEA, learn, tell_orders

pytestmark = pytest.mark.django_db
TOO_LONG = f"a@{'.'.join(['b' * 60] * 5)}.com"
KEY = "a-guest's-own-random-key"


def errors_of(answer):
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    return answer.json()["errors"]


def test_what_is_sold_and_how_one_pays(guest):
    a_product("old", active=False)

    [product] = guest.get("/products").json()["results"]
    channels = guest.get("/channels").json()

    assert product["price"] == {"amount": 1250, "currency": "CNY", "text": "CN¥12.50"}
    assert channels[0] == {
        "name": "fake",
        "label": "Fake",
        "currencies": ["CNY", "JPY"],
        "can_refund": True,
        "can_close": True,
    }


def test_a_placed_order_can_be_read_again(guest):
    placed = guest.post("/orders", TEA | {"email": "ann@example.com"})
    order = placed.json()

    read = guest.get(f"/orders/{order['order_no']}", **{"X-Order-Token": order["token"]})

    assert (placed.status_code, placed["Location"]) == (201, f"/api/v1/orders/{order['order_no']}")
    assert read.json() == order
    assert (order["status"], order["total"]["amount"]) == ("unpaid", 2500)
    assert order["lines"][0]["unit_price"]["text"] == "CN¥12.50"
    assert Order.objects.get().email == "ann@example.com"


def test_what_an_order_does_not_know_is_refused_such_as_a_price_of_the_apps_own(guest):
    body = {"lines": [{"sku": "tea", "quantity": 1, "unit_price": 1}, {}], "total": 1}

    errors = errors_of(guest.post("/orders", body))

    assert set(errors) == {
        "lines.0.unit_price",
        "lines.1.sku",
        "lines.1.quantity",
        "total",
    }
    assert errors["lines.0.unit_price"] == ["There is no such field: sku, quantity."]
    assert not Order.objects.exists()


@pytest.mark.parametrize("quantity", ["1", " 1 ", 1.0, "\u0661", True], ids=repr)
def test_a_quantity_is_a_whole_number_of_json(guest, quantity):
    answer = guest.post("/orders", {"lines": [{"sku": "tea", "quantity": quantity}]})

    assert errors_of(answer) == {"lines.0.quantity": ["A valid integer is required."]}


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ([1], "body", "Expected an object, but got a list."),
        ({"lines": {"sku": "tea"}}, "lines", "Expected a list, but got an object."),
        ({"lines": "tea"}, "lines", "Expected a list, but got a string."),
        ({"lines": True}, "lines", "Expected a list, but got true or false."),
        ({"lines": [7]}, "lines.0", "Expected an object, but got a number."),
    ],
)
def test_what_is_wrong_is_said_in_jsons_words(guest, body, field, message):
    assert errors_of(guest.post("/orders", body))[field] == [message]


def test_the_same_key_and_body_give_the_same_order_with_its_token(guest):
    first, second = (guest.post("/orders", TEA, **{"Idempotency-Key": KEY}) for _ in range(2))

    assert first.json() == second.json()
    assert (second.status_code, Order.objects.count()) == (201, 1)


def test_a_repeat_gets_its_order_even_when_the_product_is_gone_or_dearer(guest):
    first = guest.post("/orders", TEA, **{"Idempotency-Key": KEY})
    Product.objects.update(active=False, price=9999)

    assert guest.post("/orders", TEA, **{"Idempotency-Key": KEY}).json() == first.json()


def test_the_same_key_with_another_body_is_refused(guest):
    guest.post("/orders", TEA, **{"Idempotency-Key": KEY})

    other = {"lines": [{"sku": "tea", "quantity": 3}]}
    answer = guest.post("/orders", other, **{"Idempotency-Key": KEY})

    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:nodrop:idempotency-key-reused"


def test_two_users_may_use_the_same_key(ann, bob):
    orders = [app.post("/orders", TEA, **{"Idempotency-Key": KEY}).json() for app in (ann, bob)]

    assert orders[0]["order_no"] != orders[1]["order_no"]


def test_a_guests_key_must_be_hard_to_guess(guest):
    assert "Idempotency-Key" in errors_of(guest.post("/orders", TEA, **{"Idempotency-Key": "1"}))


@pytest.mark.parametrize(
    ("lines", "field"),
    [
        ([], "lines"),
        ([{"sku": "tea", "quantity": 0}], "lines.0.quantity"),
        ([{"sku": "tea", "quantity": 100}], "lines.0.quantity"),
        ([{"sku": "tea", "quantity": "two"}], "lines.0.quantity"),
        ([{"sku": "tea", "quantity": 1}, {"sku": "gold", "quantity": 1}], "lines.1.sku"),
        ([{"sku": "tea", "quantity": 1}, {"quantity": 1}], "lines.1.sku"),
        ([{"sku": "tea", "quantity": 1}] * 2, "lines.1.sku"),
        ([{"sku": "tea", "quantity": 1}] * 51, "lines"),
        ("tea", "lines"),
        ([{"sku": "te\0a", "quantity": 1}], "lines.0.sku"),
    ],
)
def test_what_can_not_be_ordered_is_named_by_its_field(guest, lines, field):
    assert field in errors_of(guest.post("/orders", {"lines": lines}))
    assert not Order.objects.exists()


def test_an_address_that_is_too_long_is_not_taken(guest):
    assert "email" in errors_of(guest.post("/orders", TEA | {"email": TOO_LONG}))


def test_an_inactive_product_can_not_be_ordered(guest, tea):
    Product.objects.update(active=False)

    assert errors_of(guest.post("/orders", TEA)) == {
        "lines.0.sku": ['"tea" is not sold here (any more).']
    }


def test_one_order_has_one_currency(guest):
    a_product("matcha", currency="JPY")
    lines = [{"sku": "tea", "quantity": 1}, {"sku": "matcha", "quantity": 1}]

    [message] = errors_of(guest.post("/orders", {"lines": lines}))["lines"]

    assert "CNY and JPY" in message


def test_an_unpaid_order_is_cancelled_at_once_and_twice_is_harmless(guest):
    path = f"/orders/{guest.order()['order_no']}/cancel"

    assert [guest.post(path).json()["status"] for _ in range(2)] == ["cancelled"] * 2


def test_cancelling_closes_the_open_payment_first(guest, channel):
    order = guest.order()
    guest.pay(order)

    answer = guest.post(f"/orders/{order['order_no']}/cancel").json()
    tell_orders()

    assert (answer["status"], answer["cancel_asked"]) == ("paying", True)
    assert answer["payments"][0]["status"] == Status.CLOSED
    assert Order.objects.get().status == OrderStatus.CANCELLED


def test_cancelling_too_late_finds_the_order_paid(guest, channel):
    order = guest.order()
    payment = guest.pay(order)
    channel.pay(payment["payment_no"])

    answer = guest.post(f"/orders/{order['order_no']}/cancel").json()
    tell_orders()

    assert answer["payments"][0]["status"] == Status.SUCCEEDED
    assert Order.objects.get().status == OrderStatus.PAID


def test_cancelling_while_the_channel_is_silent_waits_for_its_word(guest, channel):
    order = guest.order()
    guest.pay(order)
    channel.script("query", OutcomeUnknown())

    answer = guest.post(f"/orders/{order['order_no']}/cancel").json()

    assert (answer["status"], answer["cancel_asked"]) == ("paying", True)
    assert answer["payments"][0]["status"] == Status.PAYING


def test_a_paid_order_can_not_be_cancelled(guest, channel):
    order = guest.order()
    payment = guest.pay(order)
    channel.pay(payment["payment_no"])
    learn(payment["payment_no"])
    tell_orders()

    answer = guest.post(f"/orders/{order['order_no']}/cancel")

    assert (answer.status_code, answer.json()["type"]) == (409, "urn:nodrop:order-not-cancellable")
