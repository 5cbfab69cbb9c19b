"""The seed: something to sell, and people to try it; twice changes nothing."""

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from rest_framework.authtoken.models import Token

from orders.models import Stock
from shop.models import Product
from tests.shop.conftest import App

pytestmark = pytest.mark.django_db
users = get_user_model().objects


def test_seeding_twice_keeps_what_people_have_changed(capsys):
    call_command("seed")
    Product.objects.filter(sku="umbrella").update(price=1)

    call_command("seed")

    assert Product.objects.count() == 6
    assert Product.objects.get(sku="umbrella").price == 1
    assert users.get(username="admin").check_password("admin")
    assert "password admin" in capsys.readouterr().out


def test_some_products_have_a_stock_which_people_may_change_or_take_away():
    call_command("seed")
    assert dict(Stock.objects.values_list("sku", "available")) == {
        "thermos": 25,
        "watering-can": 9,
    }
    Stock.objects.filter(sku="thermos").update(available=3)
    Stock.objects.filter(sku="watering-can").delete()

    call_command("seed")

    assert list(Stock.objects.values_list("sku", "available")) == [("thermos", 3)]


def test_the_support_app_can_give_money_back_and_the_demo_app_can_not(channel):
    call_command("seed")

    answers = [
        App({"Authorization": f"Token {name}"}).post("/orders/N1/refunds")
        for name in ("support", "demo")
    ]

    assert [answer.status_code for answer in answers] == [400, 403]  # 400: it sent no key


def test_the_demo_app_can_order_at_once(channel):
    call_command("seed")

    app = App({"Authorization": "Token demo"})

    assert app.order({"lines": [{"sku": "teapot", "quantity": 1}]})["status"] == "unpaid"


def test_production_gets_no_known_password_and_no_known_token(settings):
    settings.PRODUCTION = True
    call_command("seed")
    assert not users.exists()

    settings.ADMIN_PASSWORD = "chosen"
    call_command("seed")

    assert users.get().check_password("chosen")
    assert not Token.objects.exists()


def test_products_are_kept_in_the_admin(admin_client):
    call_command("seed")

    page = admin_client.get("/admin/shop/product/")

    assert "CN¥129.00" in page.text
