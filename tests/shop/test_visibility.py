"""Nobody sees another's order or payment: it is as if it weren't there."""

import pytest
from freezegun import freeze_time

from payments.models import Payment
from shop.access import is_link_key, is_order_token, link_key, order_token
from tests.shop.conftest import App

pytestmark = pytest.mark.django_db
ENDPOINTS = [
    ("get", "/orders/{order}"),
    ("post", "/orders/{order}/cancel"),
    ("post", "/orders/{order}/payments"),
    ("get", "/payments/{payment}"),
    ("get", "/payments/{payment}/status"),
    ("post", "/payments/{payment}/returned"),
]


def ask(app, endpoint, order_no, payment_no):
    method, path = endpoint
    answer = getattr(app, method)(path.format(order=order_no, payment=payment_no))
    body = answer.json()
    body.pop("request_id", None)
    return answer.status_code, body


def an_other_guest():
    other = App()
    other.order()
    return other


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=" ".join)
@pytest.mark.parametrize("owner", ["ann", "guest"])
def test_what_is_somebody_elses_looks_like_what_is_missing(request, bob, endpoint, owner):
    owner = request.getfixturevalue(owner)
    order = owner.order()
    payment = owner.pay(order)

    for stranger in (bob, an_other_guest(), App(), App({"X-Order-Token": "é" * 64})):
        theirs = ask(stranger, endpoint, order["order_no"], payment["payment_no"])
        missing = ask(stranger, endpoint, "N" + "0" * 20, "P" + "0" * 20)
        assert theirs == missing
        assert theirs[0] == 404
    assert Payment.objects.get().returned_at is None


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=" ".join)
@pytest.mark.parametrize("owner", ["ann", "guest"])
def test_its_owner_sees_it(request, endpoint, owner):
    owner = request.getfixturevalue(owner)
    order = owner.order()
    payment = owner.pay(order)

    status, _ = ask(owner, endpoint, order["order_no"], payment["payment_no"])

    assert status in (200, 400)  # 400: no channel was named


def test_the_token_of_an_owned_order_opens_it_for_the_owners_other_parts(ann):
    order = ann.order()

    answer = App({"X-Order-Token": order["token"]}).get(f"/orders/{order['order_no']}")

    assert answer.status_code == 200


def test_a_wrong_api_token_is_told_apart_from_a_wrong_order(ann):
    answer = App({"Authorization": "Token wrong"}).get(f"/orders/{ann.order()['order_no']}")

    assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")


def test_a_token_survives_the_change_of_the_secret_key(settings):
    token, key = order_token("N1"), link_key("N1")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another"

    assert is_order_token(token, order_no="N1")
    assert is_link_key(key, order_no="N1")
    assert not is_order_token(token, order_no="N2")


def test_a_link_ends_after_a_day():
    with freeze_time("2026-01-01 12:00:00"):
        key = link_key("N1")
        assert is_link_key(key, order_no="N1")
        assert not is_link_key(key, order_no="N2")
    with freeze_time("2026-01-02 12:00:01"):
        assert not is_link_key(key, order_no="N1")


def test_no_token_no_key_and_no_user_agent_is_logged(guest, caplog):
    order = guest.order()
    guest.pay(order)
    key = link_key(order["order_no"])

    with caplog.at_level("DEBUG"):
        guest.get(f"/orders/{order['order_no']}", **{"User-Agent": "Ann's phone"})
        guest.client.get(f"/orders/{order['order_no']}/back/?key={key}")

    assert order["token"] not in caplog.text
    assert key not in caplog.text
    assert "Ann's phone" not in caplog.text
    assert "user_agent" not in caplog.text
    assert "request_started" in caplog.text
