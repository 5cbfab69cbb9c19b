"""The list of orders: a browser's own, a user's own, and nobody else's."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from orders.models import Order
from payments.channels.base import ChannelState
from shop.pages.orders import ON_A_PAGE
from tests.shop.browser import an_order, end, pay, text_of
from tests.shop.conftest import App

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _something_for_sale(tea):
    pass


def test_a_browser_finds_its_orders_and_where_they_stand_the_newest_first(client):
    first, second = an_order(client), an_order(client)
    pay(client, first)
    end(ChannelState.PAID)

    page = text_of(client, "/orders/")

    assert page.index(second) < page.index(first)
    assert 'data-state="paid"' in page
    assert 'data-state="unpaid"' in page
    assert "To be paid" in page


def test_a_browser_without_orders_is_told_so(client):
    assert "No order yet." in text_of(client, "/orders/")


def test_nobody_finds_anothers_order(client, django_user_model):
    order = an_order(client)
    stranger = Client()
    stranger.force_login(django_user_model.objects.create_user("eve"))

    for other in (Client(), stranger):
        assert order not in text_of(other, "/orders/")
        assert other.get(order).status_code == 404


def test_a_user_finds_what_she_has_ordered_in_an_app(ann, django_user_model):
    order = ann.order()
    browser = Client()
    browser.force_login(django_user_model.objects.get(username="ann"))

    assert f"/orders/{order['order_no']}/" in text_of(browser, "/orders/")
    assert browser.get(f"/orders/{order['order_no']}/").status_code == 200


def test_who_signs_in_keeps_the_orders_of_the_browser_and_who_signs_out_leaves_none(
    client, django_user_model
):
    django_user_model.objects.create_user("ann", password="secret")
    order = an_order(client)

    answer = client.post("/sign-in/", {"username": "ann", "password": "secret"})
    seen = text_of(client, "/orders/")
    client.post("/sign-out/")

    assert answer["Location"] == "/orders/"
    assert order in seen
    assert "You are signed in as ann." in seen
    assert order not in text_of(client, "/orders/")


def test_a_wrong_password_says_so_and_nothing_more(client):
    page = client.post("/sign-in/", {"username": "ann", "password": "wrong"})

    assert (page.status_code, 'role="alert"' in page.text) == (200, True)


def test_a_long_history_is_read_page_by_page_without_gap_or_repeat(ann, django_user_model):
    links = [f'href="/orders/{ann.order()["order_no"]}/"' for _ in range(ON_A_PAGE + 2)][::-1]
    browser = Client()
    browser.force_login(django_user_model.objects.get(username="ann"))

    first = text_of(browser, "/orders/")
    [older] = {part.split('"')[0] for part in first.split('href="?before=')[1:]}
    second = text_of(browser, f"/orders/?before={older}")

    assert [link in first for link in links] == [True] * ON_A_PAGE + [False] * 2
    assert [link in second for link in links] == [False] * ON_A_PAGE + [True] * 2
    assert "Older orders" not in second


def test_anothers_order_is_no_place_to_read_on_from(client, ann):
    mine = an_order(client)
    theirs = ann.order()["order_no"]

    assert mine in text_of(client, f"/orders/?before={theirs}")


def test_a_long_history_costs_no_more_questions_than_a_short_one(client):
    an_order(client)
    with CaptureQueriesContext(connection) as short:
        client.get("/orders/")
    for _ in range(5):
        pay(client, an_order(client))
    with CaptureQueriesContext(connection) as long:
        client.get("/orders/")

    assert len(long) == len(short)


def test_a_guests_app_leaves_no_order_in_a_browser(client):
    order = App().order()["order_no"]

    assert Order.objects.filter(order_no=order).exists()
    assert client.get(f"/orders/{order}/").status_code == 404
