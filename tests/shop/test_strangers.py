"""Nobody reads, pays, cancels, refunds or lists another's order, by any path and method.

The paths come from the URL configuration, so that a new one can't be forgotten. One that takes a
value which is not known here fails: say in `values_of` whose it is.
"""

import json
from dataclasses import dataclass
from itertools import product

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse
from django.utils import timezone

from orders.messages import register_device
from orders.models import Device, Order
from payments.models import Payment, Refund
from payments.states import Status
from shop.models import Product
from tests.orders.messages.fakes import FAKE
from tests.shop.conftest import App, learn, tell_orders

pytestmark = pytest.mark.django_db
NOT_YOURS = {401, 404, 405}
BODY = {"channel": "fake", "amount": 1, "note": "a stranger's", "token": "t" * 32, "kind": "fcm"}


def routes():
    """Of all paths of the API and of the pages: name, and the values and methods that they take."""
    for part in get_resolver().url_patterns:
        space = getattr(part, "namespace", None)
        for each in part.url_patterns if space in ("api", "shop") else ():
            if isinstance(each, URLPattern) and each.name:
                yield f"{space}:{each.name}", tuple(each.pattern.converters), methods_of(each)


def methods_of(pattern):
    """A view of the API says which; of a page nobody knows."""
    view = getattr(pattern.callback, "cls", None)
    known = ("GET", "POST") if view is None else ("GET", "POST", "PUT", "PATCH", "DELETE")
    return tuple(each for each in known if view is None or hasattr(view, each.lower()))


ROUTES = sorted(routes())
NUMBERS = {"order_no", "payment_no", "refund_no", "device_no"}
OWNED = [each for each in ROUTES if NUMBERS & {*each[1]}]
OF_NOBODY = [each for each in ROUTES if each not in OWNED]


@dataclass
class Things:
    """What an owner has: an order that is being paid, and one that was, with a refund."""

    app: App
    open_order: dict
    open_payment: dict
    paid_order: dict
    paid_payment: dict
    refund: dict
    devices: list[str]

    @property
    def numbers(self):
        return [
            self.open_order["order_no"],
            self.open_payment["payment_no"],
            self.paid_order["order_no"],
            self.paid_payment["payment_no"],
            self.refund["refund_no"],
            *self.devices,
        ]

    def values_of(self, taken):
        """All that a path can be filled with that is the owner's."""
        known = {
            "order_no": [self.open_order["order_no"], self.paid_order["order_no"]],
            "payment_no": [self.open_payment["payment_no"], self.paid_payment["payment_no"]],
            "refund_no": [self.refund["refund_no"]],
            "device_no": self.devices,
            "sku": ["tea"],
        }
        missing = [name for name in taken if name not in known]
        assert not missing, f"say whose {missing} are"
        return [dict(zip(taken, values, strict=True)) for values in product(*map(known.get, taken))]


def a_device(token, **holder):
    return register_device(via="fcm", token=token, now=timezone.now(), **holder).device_no


@pytest.fixture(params=["a user", "a guest"])
def owner(request, ann, olga, channel, settings):
    settings.NOTIFIERS = {"fcm": dict(FAKE)}
    app = ann if request.param == "a user" else App()
    paid = app.order()
    payment = app.pay(paid)
    channel.pay(payment["payment_no"])
    learn(payment["payment_no"])
    tell_orders()
    refund = olga.post(
        f"/orders/{paid['order_no']}/refunds",
        {"amount": 100, "note": "why"},
        **{"Idempotency-Key": "the-key-of-a-refund"},
    ).json()
    app.headers.pop("X-Order-Token", None)
    open_order = app.order()
    devices = [a_device("a phone", order_no=paid["order_no"])]
    if app is ann:
        devices.append(
            a_device("another", owner_id=get_user_model().objects.get(username="ann").pk)
        )
    return Things(app, open_order, app.pay(open_order), paid, payment, refund, devices)


@pytest.fixture
def strangers(owner, bob):
    """Another user, another guest with an order of his own, one with a made-up token, nobody."""
    other = App()
    other.order()
    return [bob, other, App({"X-Order-Token": "0" * 64}), App()]


def state():
    """All that a stranger might change."""
    rows = [*Order.objects.order_by("pk"), *Payment.objects.order_by("pk")]
    rows += [*Refund.objects.order_by("pk"), *Device.objects.order_by("pk")]
    fields = [
        {field.name: field.value_from_object(row) for field in row._meta.fields} for row in rows
    ]
    return [*fields, Product.objects.count()]


def ask(app, method, path):
    key = {"Idempotency-Key": "a-key-of-a-stranger"}
    return app.client.generic(
        method,
        path,
        data=json.dumps(BODY),
        content_type="application/json",
        headers=app.headers | key,
    )


@pytest.mark.parametrize(("name", "taken", "methods"), OWNED, ids=str)
def test_to_a_stranger_it_is_not_there(owner, strangers, name, taken, methods):
    before = state()

    for app, values, method in product(strangers, owner.values_of(taken), methods):
        answer = ask(app, method, reverse(name, kwargs=values))

        allowed = NOT_YOURS | ({403} if name == "api:start_refund" else set())
        assert answer.status_code in allowed, (method, values, answer.content)
        told = answer.content.decode()
        unasked = [number for number in owner.numbers if number not in values.values()]
        assert not [number for number in unasked if number in told]
    assert state() == before


@pytest.mark.parametrize(("name", "taken", "methods"), OF_NOBODY, ids=str)
def test_what_is_nobodys_tells_nothing_of_anybodys(owner, strangers, name, taken, methods):
    before = state()

    for app, values in product(strangers, owner.values_of(taken)):
        shown = ask(app, "GET", reverse(name, kwargs=values)).content.decode()

        assert not [number for number in owner.numbers if number in shown]
    assert state() == before


@pytest.mark.parametrize(
    ("name", "taken", "methods"),
    [each for each in OWNED if each[0].startswith("api:")],
    ids=str,
)
def test_to_its_owner_it_is_there(owner, name, taken, methods):
    """Else the tests above would prove nothing."""
    owner.app.headers |= {"X-Order-Token": owner.paid_order["token"]}
    values = {
        "order_no": owner.paid_order["order_no"],
        "payment_no": owner.paid_payment["payment_no"],
        "refund_no": owner.refund["refund_no"],
        "device_no": owner.devices[-1 if name == "api:device" else 0],
    }
    path = reverse(name, kwargs={each: values[each] for each in taken})

    codes = {ask(owner.app, method, path).status_code for method in methods}

    # A guest has no devices but those of an order, and only operators refund.
    others = {"api:start_refund": {401, 403}, "api:device": {204, 401}}
    assert codes & others.get(name, {200, 201, 204, 400, 409, 503})


def test_who_may_refund_may_not_read_or_pay_or_cancel(owner, olga):
    path = f"/orders/{owner.open_order['order_no']}"

    answers = [olga.get(path), olga.post(f"{path}/cancel"), olga.post(f"{path}/payments", BODY)]

    assert [answer.status_code for answer in answers] == [404] * 3
    assert Payment.objects.get(payment_no=owner.open_payment["payment_no"]).status == Status.PAYING


def test_a_browser_that_placed_none_of_it_sees_no_page_of_it(owner):
    for name, taken, _ in OWNED:
        if name.startswith("shop:"):
            for values in owner.values_of(taken):
                assert Client().get(reverse(name, kwargs=values)).status_code in NOT_YOURS
