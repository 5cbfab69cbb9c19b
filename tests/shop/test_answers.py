"""A POST that is sent again with its `Idempotency-Key`: done once, answered alike."""

import datetime as dt
import time

import pytest
from django.db import connection
from django.urls import URLPattern, get_resolver
from django.utils import timezone

from common import kill_points
from orders.models import Order
from payments.channels.base import ChannelState, OutcomeUnknown
from payments.models import Payment, Refund
from shop import answers
from shop.api.once import is_answered_once
from shop.models import KeptAnswer
from tests.shop.conftest import TEA, App, at_once, learn, tell_orders

KEY = {"Idempotency-Key": "a-random-key-of-an-app"}
PAY = {"channel": "fake"}


class Killed(BaseException):
    """The process is dead: nothing catches this."""


def die(point):
    if point == "answer.given":
        raise Killed


def is_replayed(answer):
    return answer.get("Idempotent-Replayed") == "true"


def post_views():
    """All POSTs of the API, from its paths."""
    [api] = [
        each for each in get_resolver().url_patterns if getattr(each, "namespace", "") == "api"
    ]
    views = [each.callback.cls for each in api.url_patterns if isinstance(each, URLPattern)]
    return [view for view in views if hasattr(view, "post")]


@pytest.mark.parametrize("view", post_views(), ids=lambda view: view.__name__)
def test_every_post_takes_a_key(view):
    assert is_answered_once(view.post)


pytestmark = pytest.mark.django_db


def test_a_payment_that_is_started_again_is_answered_as_it_was(guest, channel):
    path = f"/orders/{guest.order()['order_no']}/payments"
    first = guest.post(path, PAY, **KEY)
    channel.end(first.json()["payment_no"], ChannelState.FAILED)
    learn(first.json()["payment_no"])

    again = guest.post(path, PAY, **KEY)

    assert (again.status_code, again.json()) == (201, first.json())
    assert (is_replayed(first), is_replayed(again)) == (False, True)
    assert again["Cache-Control"] == first["Cache-Control"]
    assert again["X-Request-Id"] != first["X-Request-Id"]
    assert Payment.objects.count() == 1


def test_a_new_key_pays_again_when_the_first_payment_has_ended(guest, channel):
    order = guest.order()
    path = f"/orders/{order['order_no']}/payments"
    first = guest.post(path, PAY, **KEY).json()
    channel.end(first["payment_no"], ChannelState.FAILED)
    learn(first["payment_no"])
    tell_orders()

    second = guest.post(path, PAY, **{"Idempotency-Key": "another-random-key"}).json()

    assert second["payment_no"] != first["payment_no"]


def test_an_order_is_answered_with_its_place_again(guest):
    first, again = (guest.post("/orders", TEA, **KEY) for _ in range(2))

    assert (again["Location"], again.json()) == (first["Location"], first.json())
    assert is_replayed(again)


@pytest.mark.parametrize("deed", ["cancel", "returned", "payments"])
def test_another_body_under_the_same_key_is_refused(guest, deed):
    order = guest.order()
    payment = guest.pay(order)
    path = {
        "cancel": f"/orders/{order['order_no']}/cancel",
        "returned": f"/payments/{payment['payment_no']}/returned",
        "payments": f"/orders/{order['order_no']}/payments",
    }[deed]
    body = PAY if deed == "payments" else {}
    assert guest.post(path, body, **KEY).status_code in (200, 201)

    answer = guest.post(path, body | {"more": 1}, **KEY)

    assert (answer.status_code, answer.json()["type"]) == (422, "urn:nodrop:idempotency-key-reused")
    assert "send a new key for a new request" in answer.json()["detail"]


def test_a_key_of_an_earlier_order_says_what_would_be_right(ann):
    ann.post("/orders", TEA, **KEY)
    KeptAnswer.objects.all().delete()

    answer = ann.post("/orders", {"lines": [{"sku": "tea", "quantity": 1}]}, **KEY)

    assert (answer.status_code, answer.json()["type"]) == (422, "urn:nodrop:idempotency-key-reused")
    assert "take a new key" in answer.json()["detail"]


def test_the_same_json_written_otherwise_is_the_same_body(guest):
    body = '{"lines":  [{"quantity":2, "sku":"tea"}]}'
    first = guest.post("/orders", TEA, **KEY)

    again = guest.client.post(
        "/api/v1/orders", body, content_type="application/json", headers=guest.headers | KEY
    )

    assert (again.status_code, again.json()) == (201, first.json())


def test_a_refusal_is_not_kept_so_the_request_can_be_mended(guest):
    path = f"/orders/{guest.order()['order_no']}/payments"
    assert guest.post(path, {"channel": "none"}, **KEY).status_code == 400

    assert guest.post(path, PAY, **KEY).status_code == 201


def test_a_lost_answer_of_the_channel_is_asked_for_again_under_the_same_key(guest, channel):
    path = f"/orders/{guest.order()['order_no']}/payments"
    channel.script("create", OutcomeUnknown(), executed=True)
    first = guest.post(path, PAY, **KEY)

    again = guest.post(path, PAY, **KEY)

    assert (first.status_code, first.json()["action"]) == (202, None)
    assert (again.status_code, again.json()["payment_no"]) == (201, first.json()["payment_no"])
    assert again.json()["action"]


def test_a_key_is_its_callers_own(ann, bob, guest):
    orders = [app.post("/orders", TEA, **KEY).json()["order_no"] for app in (ann, bob, guest)]

    assert len(set(orders)) == 3


def test_a_stranger_who_knows_the_key_gets_nothing_by_it(ann, bob):
    path = f"/orders/{ann.order()['order_no']}/payments"
    ann.post(path, PAY, **KEY)

    for stranger in (bob, App(), App({"X-Order-Token": "0" * 64})):
        assert stranger.post(path, PAY, **KEY).status_code == 404


def test_no_order_token_lies_readable_in_the_database(guest):
    token = guest.post("/orders", TEA, **KEY).json()["token"]

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM shop_keptanswer WHERE sealed LIKE %s", [f"%{token}%"])
        assert cursor.fetchone() == (0,)
    assert KeptAnswer.objects.count() == 1


def test_an_answer_sealed_under_a_lost_secret_key_is_worked_out_anew(guest, settings):
    first = guest.post("/orders", TEA, **KEY).json()
    settings.SECRET_KEY = "another"

    again = guest.post("/orders", TEA, **KEY)

    assert (again.status_code, is_replayed(again)) == (201, False)
    assert again.json()["order_no"] == first["order_no"]


def test_answers_are_given_for_a_day_and_then_forgotten(guest):
    first = guest.post("/orders", TEA, **KEY).json()
    KeptAnswer.objects.update(answered_at=timezone.now() - answers.KEPT)

    again = guest.post("/orders", TEA, **KEY)

    assert (again.json()["order_no"], is_replayed(again)) == (first["order_no"], False)
    assert answers.forget(now=timezone.now()) == 0
    assert answers.forget(now=timezone.now() + answers.KEPT) == 1


def test_an_answer_of_today_is_not_forgotten(guest):
    guest.post("/orders", TEA, **KEY)

    assert answers.forget(now=timezone.now() + answers.KEPT - dt.timedelta(minutes=1)) == 0


@pytest.mark.parametrize(
    "key", ["", "too-short", "x" * 256, "has a space in the key", "schlüssel-der-bestellung"]
)
def test_a_key_that_others_could_guess_or_that_is_no_word_is_refused(ann, key):
    answer = ann.post("/orders", TEA, **{"Idempotency-Key": key})

    assert list(answer.json()["errors"]) == ["Idempotency-Key"]


@pytest.mark.parametrize("deed", ["orders", "payments", "refunds", "cancel", "returned"])
def test_dying_before_the_answer_is_kept_doubles_nothing(guest, olga, channel, deed):
    """Killed between the deed and its kept answer, and sent again as an app would."""
    order = guest.order()
    payment = {} if deed == "payments" else guest.pay(order)
    if deed == "refunds":
        channel.pay(payment["payment_no"])
        learn(payment["payment_no"])
        tell_orders()
    app, path, body = {
        "orders": (App(), "/orders", TEA),
        "payments": (guest, f"/orders/{order['order_no']}/payments", PAY),
        "refunds": (olga, f"/orders/{order['order_no']}/refunds", {"amount": 100, "note": "why"}),
        "cancel": (guest, f"/orders/{order['order_no']}/cancel", {}),
        "returned": (guest, f"/payments/{payment.get('payment_no')}/returned", {}),
    }[deed]
    with kill_points.acting(die), pytest.raises(Killed):
        app.post(path, body, **KEY)

    answer = app.post(path, body, **KEY)

    assert (answer.status_code, is_replayed(answer)) in [(200, False), (201, False)]
    assert Order.objects.count() == (2 if deed == "orders" else 1)
    assert Payment.objects.count() == 1
    assert Refund.objects.count() == (1 if deed == "refunds" else 0)
    assert len(channel.keys) == 1
    assert is_replayed(app.post(path, body, **KEY))


@pytest.mark.django_db(transaction=True)
def test_a_double_tap_waits_for_the_first_and_gets_its_answer(guest, channel):
    path = f"/orders/{guest.order()['order_no']}/payments"
    channel.before["create"] = lambda: time.sleep(0.3)

    given = at_once(*[lambda: App(guest.headers).post(path, PAY, **KEY)] * 3)

    assert {answer.status_code for answer in given} == {201}
    assert len({answer.content for answer in given}) == 1
    assert sorted(map(is_replayed, given)) == [False, True, True]
    assert channel.calls["create"] == 1


@pytest.mark.django_db(transaction=True)
def test_who_has_waited_long_enough_is_told_when_to_come_back(guest, channel, monkeypatch):
    monkeypatch.setattr(answers, "PATIENCE", 0.1)
    path = f"/orders/{guest.order()['order_no']}/payments"
    channel.before["create"] = lambda: time.sleep(1)

    given = at_once(*[lambda: App(guest.headers).post(path, PAY, **KEY)] * 2)

    [early] = [answer for answer in given if answer.status_code == 409]
    assert early.json()["type"] == "urn:nodrop:still-answering"
    assert early["Retry-After"] == "1"
    assert guest.post(path, PAY, **KEY).status_code == 201
    assert channel.calls["create"] == 1


@pytest.mark.django_db(transaction=True)
def test_one_who_dies_while_holding_the_lock_locks_nobody_out(guest):
    scope = answers.scope_of("a", "b", "c")

    def die_holding_it():
        with answers.alone(scope):
            connection.close()  # as the database sees the death of a process

    at_once(die_holding_it)

    with answers.alone(scope):
        pass
