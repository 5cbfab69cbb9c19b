"""Every error under /api/ is a problem (RFC 9457), whatever went wrong."""

import pytest
from django.core.management import call_command
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from rest_framework import throttling

from shop.api.catalogue_views import ProductsView
from shop.services import MOST_LINES
from tests.shop.conftest import App

pytestmark = pytest.mark.django_db


def problem(answer):
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert set(body) >= {"type", "title", "status", "detail", "request_id"}
    assert body["status"] == answer.status_code
    assert body["title"]
    assert body["detail"]
    return body


@pytest.mark.parametrize(
    "path", ["/api/", "/api/v1/nothing", "/api/v1/orders/", "/api/v2", "/api/v1/orders/a%0Ab"]
)
@pytest.mark.parametrize("method", ["get", "post", "put", "delete"])
def test_unknown_paths(client, path, method):
    assert problem(getattr(client, method)(path))["status"] == 404


def test_methods_that_are_not_allowed(guest):
    answer = guest.client.delete("/api/v1/products")

    assert problem(answer)["status"] == 405
    assert "GET" in answer["Allow"]
    assert "GET, HEAD, OPTIONS" in answer.json()["detail"]


@pytest.mark.parametrize("body", [b"{", b"\xff", b'{"lines": NaN', b"[]", b"7", b"null"])
def test_bodies_that_are_not_what_is_asked_for(guest, body):
    answer = guest.client.post("/api/v1/orders", data=body, content_type="application/json")

    assert problem(answer)["status"] == 400


def test_a_body_that_is_nested_too_deeply(guest):
    deep = b"[" * 100_000

    answer = guest.client.post("/api/v1/orders", data=deep, content_type="application/json")

    assert problem(answer)["status"] == 400


def test_a_body_that_is_too_large_says_how_large_it_may_be(guest):
    large = b" " * 300_000

    answer = guest.client.post("/api/v1/orders", data=large, content_type="application/json")

    assert problem(answer)["status"] == 413
    assert "256 KiB" in answer.json()["detail"]


def test_numbers_that_no_database_can_hold(guest):
    for path in ("orders/a%00b", "payments/a%00b", "payments/a%00b/status"):
        assert problem(guest.client.get(f"/api/v1/{path}"))["status"] == 404


def test_media_types_that_nobody_reads(guest):
    answer = guest.client.post("/api/v1/orders", data="<a/>", content_type="application/xml")

    assert problem(answer)["status"] == 415
    assert "application/json" in answer.json()["detail"]


@pytest.mark.parametrize("deed", ["cancel", "tickets", "returned"])
@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [("application/json", "{{{", 400), ("application/xml", "<a/>", 415)],
)
def test_a_body_that_is_not_needed_is_read_all_the_same(guest, deed, kind, body, status):
    order = guest.order()
    payment = guest.pay(order)
    where = f"payments/{payment['payment_no']}"
    path = f"{where if deed == 'returned' else 'orders/' + order['order_no']}/{deed}"

    answer = guest.client.post(f"/api/v1/{path}", body, content_type=kind, headers=guest.headers)

    assert problem(answer)["status"] == status
    assert guest.get(f"/orders/{order['order_no']}").json()["cancel_asked"] is False


def test_no_body_is_needed_where_there_are_no_fields(guest):
    order = guest.order()
    path = f"/api/v1/orders/{order['order_no']}/cancel"

    answer = guest.client.generic("POST", path, headers=guest.headers)

    assert answer.status_code == 200


def test_answers_that_nobody_gives(guest):
    assert problem(guest.get("/products", Accept="application/xml"))["status"] == 406


def test_a_problem_is_json_where_answers_are_yaml(client):
    assert problem(client.post("/api/schema/"))["status"] == 405


def test_too_much_at_once_says_when_to_come_back(guest, monkeypatch):
    class OneADay(throttling.AnonRateThrottle):
        rate = "1/day"

    monkeypatch.setattr(ProductsView, "throttle_classes", [OneADay])
    guest.get("/products")

    answer = guest.get("/products")

    assert problem(answer)["status"] == 429
    assert int(answer["Retry-After"]) > 0


def test_a_bug_of_ours_tells_nothing_but_the_requests_id(guest, channel, caplog):
    order = guest.order()
    channel.before["create"] = None
    guest.pay(order)
    channel.capabilities = None  # nothing can be opened with that

    answer = guest.post(f"/orders/{guest.order()['order_no']}/payments", {"channel": "fake"})

    body = problem(answer)
    assert body["status"] == 500
    assert "NoneType" not in str(body)
    assert body["request_id"] in caplog.text


def test_a_validation_error_names_the_fields(guest):
    body = problem(guest.post("/orders", {"lines": [{}], "email": "x"}))

    assert set(body["errors"]) == {"lines.0.sku", "lines.0.quantity", "email"}
    assert "lines.0.sku" in body["detail"]


def test_pages_answer_people_with_a_page(client):
    answer = client.get("/nothing")

    assert answer.status_code == 404
    assert b"There is nothing here" in answer.content


def test_a_bug_in_a_page_says_that_nothing_is_lost(tea, settings):
    settings.NODROP_CHANNELS["fake"] = {}
    browser = Client(raise_request_exception=False)
    answer = browser.post("/products/tea/", {"quantity": 1, "buy": ""})

    answer = browser.get(answer["Location"], follow=True)

    assert answer.status_code == 500
    assert b"do not pay again" in answer.content


def test_the_schema_is_complete_and_valid(tmp_path):
    call_command(
        "spectacular", validate=True, fail_on_warn=True, file=str(tmp_path / "schema.yaml")
    )
    assert not GENERATOR_STATS
    schema = (tmp_path / "schema.yaml").read_text()

    for operation in ("place_order", "start_payment", "payment_status", "cancel_order"):
        assert f"operationId: {operation}" in schema


def test_the_schema_names_the_limits_of_an_order():
    schema = SchemaGenerator().get_schema(request=None, public=True)

    lines = schema["components"]["schemas"]["PlaceOrder"]["properties"]["lines"]

    assert (lines["minItems"], lines["maxItems"]) == (1, MOST_LINES)


def test_the_schema_says_what_takes_no_other_fields():
    schemas = SchemaGenerator().get_schema(request=None, public=True)["components"]["schemas"]

    closed = {name for name, its in schemas.items() if its.get("additionalProperties") is False}

    assert closed == {"PlaceOrder", "Wish", "StartPayment", "StartRefund", "RegisterDevice"}


def test_the_docs_load_nothing_from_elsewhere(client):
    page = client.get("/api/docs/")

    assert page.status_code == 200
    assert b"https://" not in page.content.replace(b"https://github.com", b"")


def test_the_docs_run_no_script_that_stands_in_the_page(client):
    page = client.get("/api/docs/")

    assert b"<script>" not in page.content
    assert "script-src 'self'" in page["Content-Security-Policy"].split("; ")
    assert client.get("/api/docs/?script=")["Content-Type"] == "application/javascript"


def test_a_guest_needs_no_cookie():
    assert not App().get("/products").cookies
