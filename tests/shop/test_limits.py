"""Rate limits: who is counted with whom, what is told, and that nobody is refused without Redis."""

import pytest
import redis
from django.test import Client

from shop import budgets, volatile
from shop.api.limits import address_of
from tests.shop.conftest import App

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _limits(settings, monkeypatch):
    settings.API_LIMITS = {"reads": 3, "writes": 2, "polls": 4, "address": 100}
    settings.PROXIES = 1
    monkeypatch.setattr(budgets.breaker, "quiet_until", 0.0)
    monkeypatch.setattr("shop.api.limits.time", a_minute_that_stands_still())


def a_minute_that_stands_still():
    class Clock:
        time = staticmethod(lambda: 1_800_000_018.5)  # 42 seconds before the next one

    return Clock


def elsewhere():
    app = App()
    app.client = Client(HTTP_X_FORWARDED_FOR="203.0.113.9")
    return app


def test_each_answer_says_what_is_left(guest):
    answer = guest.get("/products")

    assert answer["RateLimit-Policy"] == '"reads";q=3;w=60, "address";q=100;w=60'
    assert answer["RateLimit"] == '"reads";r=2;t=42, "address";r=99;t=42'


def test_too_much_is_a_problem_that_says_when_to_come_back(guest):
    for _ in range(3):
        assert guest.get("/products").status_code == 200

    answer = guest.get("/products")

    assert (answer.status_code, answer["Retry-After"]) == (429, "42")
    assert answer.json()["type"] == "urn:nodrop:too-many-requests"
    assert answer["RateLimit"].startswith('"reads";r=0;t=42')
    assert answer["X-Request-Id"] == answer.json()["request_id"]


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/api/v1/products", {"Authorization": "Token wrong"}, 401),
        ("/api/v1/products", {"Authorization": "Bearer abc"}, 401),
        ("/api/v1/products", {"Accept": "application/xml"}, 406),
        ("/api/v1/products", {"Accept": "application/xml", "Authorization": "Token wrong"}, 406),
        ("/api/v1/nothing", {}, 404),
        ("/api/v7/orders", {}, 404),
    ],
)
def test_what_is_refused_at_the_door_is_counted_too(guest, path, headers, status):
    answers = [guest.client.get(path, headers=headers) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [status] * 3 + [429]
    assert answers[0]["RateLimit"] == '"reads";r=2;t=42, "address";r=99;t=42'
    assert answers[3]["Retry-After"] == "42"


def test_a_user_who_may_not_is_counted_as_that_user(ann, olga):
    answer = ann.post("/orders/N1/refunds", {}, **{"Idempotency-Key": "a-random-key-of-an-app"})

    assert (answer.status_code, answer["RateLimit"]) == (403, '"writes";r=1;t=42')


def test_another_minute_is_another_budget(guest, monkeypatch):
    for _ in range(4):
        guest.get("/products")
    monkeypatch.setattr("shop.api.limits.time.time", lambda: 1_800_000_060.0)

    assert guest.get("/products").status_code == 200


def test_polls_reads_and_writes_use_up_nothing_of_each_other(ann):
    order = ann.order()
    payment = ann.pay(order)
    statuses = [ann.status(payment)["final"] for _ in range(4)]

    assert statuses == [False] * 4
    assert ann.get("/products").status_code == 200
    assert ann.post("/orders", {}).status_code == 429
    assert ann.get(f"/payments/{payment['payment_no']}/status").status_code == 429


def test_one_users_requests_do_not_count_for_another(ann, bob):
    for _ in range(4):
        ann.get("/products")

    assert [app.get("/products").status_code for app in (ann, bob)] == [429, 200]


def test_two_guests_of_one_address_are_told_apart_by_their_tokens(tea):
    one, other = App({"X-Order-Token": "a" * 64}), App({"X-Order-Token": "b" * 64})
    for _ in range(4):
        one.get("/products")

    assert [app.get("/products").status_code for app in (one, other)] == [429, 200]


def test_who_makes_up_tokens_meets_the_budget_of_the_address(tea, settings):
    settings.API_LIMITS |= {"address": 5}

    codes = [App({"X-Order-Token": str(n)}).get("/products").status_code for n in range(6)]

    assert codes == [200] * 5 + [429]
    assert elsewhere().get("/products").status_code == 200


def test_a_budget_of_nothing_is_no_limit(guest, settings):
    settings.API_LIMITS = {"reads": 0, "address": 0}

    answers = [guest.get("/products") for _ in range(10)]

    assert {answer.status_code for answer in answers} == {200}
    assert "RateLimit" not in answers[0]


def test_without_redis_nobody_is_refused_and_only_one_request_waits_for_it(guest, monkeypatch):
    asked = []

    def away():
        asked.append(1)
        return redis.Redis(unix_socket_path="/nowhere")

    monkeypatch.setattr(volatile, "client", away)

    codes = {guest.get("/products").status_code for _ in range(10)}

    assert (codes, len(asked)) == ({200}, 1)


@pytest.mark.parametrize(
    ("forwarded", "proxies", "address"),
    [
        ("", 0, "192.0.2.1"),
        ("198.51.100.7", 0, "192.0.2.1"),  # whoever calls us directly may write what he likes
        ("198.51.100.7", 1, "198.51.100.7"),
        ("6.6.6.6, 198.51.100.7", 1, "198.51.100.7"),
        ("6.6.6.6, 198.51.100.7, 10.0.0.1", 2, "198.51.100.7"),
        ("", 1, "192.0.2.1"),
        ("2001:db8:1:2:aaaa::1", 1, "2001:db8:1:2::"),
        ("2001:db8:1:2:bbbb::9", 1, "2001:db8:1:2::"),
        ("rubbish", 1, "unknown"),
    ],
)
def test_the_address_is_what_our_outermost_proxy_has_seen(forwarded, proxies, address):
    meta = {"HTTP_X_FORWARDED_FOR": forwarded, "REMOTE_ADDR": "192.0.2.1"}

    assert address_of(meta, proxies=proxies) == address
