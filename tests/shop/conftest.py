"""Apps and browsers that use the shop, and the world's turning in between."""

import datetime as dt
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from rest_framework.authtoken.models import Token

from orders.models import Order
from payments import services as payments
from payments.models import Payment, Refund
from tests.factories import a_product
from workers import closing, relay

TEA = {"lines": [{"sku": "tea", "quantity": 2}]}


@dataclass
class App:
    """An app that uses the REST API; `headers` say who it is."""

    headers: dict[str, str] = field(default_factory=dict)
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    def get(self, path: str, **headers: str) -> HttpResponse:
        return self.client.get(f"/api/v1{path}", headers=self.headers | headers)

    def post(self, path: str, body: object = None, **headers: str) -> HttpResponse:
        return self.client.post(
            f"/api/v1{path}",
            data=json.dumps(body or {}),
            content_type="application/json",
            headers=self.headers | headers,
        )

    def order(self, body: object = TEA) -> dict:
        """Place an order; a guest shows its token from then on."""
        order = self.post("/orders", body).json()
        if "Authorization" not in self.headers:
            self.headers = {"X-Order-Token": order["token"]}
        return order

    def pay(self, order: dict, channel: str = "fake") -> dict:
        return self.post(f"/orders/{order['order_no']}/payments", {"channel": channel}).json()

    def status(self, payment: dict) -> dict:
        return self.get(f"/payments/{payment['payment_no']}/status").json()


def start(app: App, order: dict, channel: str = "fake", **more: str) -> HttpResponse:
    """Start a payment; `App.pay` gives what the answer says."""
    return app.post(f"/orders/{order['order_no']}/payments", {"channel": channel, **more})


def a_user_app(name: str) -> App:
    user = get_user_model().objects.create_user(name)
    return App({"Authorization": f"Token {Token.objects.create(user=user).key}"})


def an_operators_app(name: str = "olga") -> App:
    """Its user may refund payments."""
    app = a_user_app(name)
    user = get_user_model().objects.get(username=name)
    user.user_permissions.add(Permission.objects.get(codename="refund_payment"))
    return app


def at_once(*calls):
    """Run calls together, each on its own connection."""
    barrier = threading.Barrier(len(calls))

    def run(call):
        try:
            barrier.wait(timeout=10)
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def learn(payment_no: str) -> None:
    """The channel is asked about a payment; the order does not know yet."""
    payments.query_now(payment_no=payment_no, now=timezone.now(), actor="")


def tell_orders() -> None:
    """The relay runs."""
    relay.relay_due(now=timezone.now())


def time_runs_out() -> None:
    """All orders and payments have expired; nobody has closed them yet."""
    past = timezone.now() - dt.timedelta(seconds=1)
    Payment.objects.update(expires_at=past)
    Order.objects.update(expires_at=past)
    Order.objects.filter(close_due_at__isnull=False).update(close_due_at=past)


def close_orders() -> None:
    """The close saga runs, and the orders hear of it."""
    closing.close_due(now=timezone.now())
    tell_orders()


def send_refunds() -> None:
    """The refunds' loop runs, and the orders hear of it."""
    Refund.objects.filter(consult_due_at__isnull=False).update(consult_due_at=timezone.now())
    payments.refund_due(now=timezone.now())
    tell_orders()


@pytest.fixture
def tea(channel):
    return a_product("tea")


@pytest.fixture
def guest(tea):
    return App()


@pytest.fixture
def ann(tea):
    return a_user_app("ann")


@pytest.fixture
def olga(tea):
    return an_operators_app()


@pytest.fixture
def bob(tea):
    return a_user_app("bob")
