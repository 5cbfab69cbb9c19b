"""Writing: every fact, for every endpoint, in the fact's own transaction."""

import json

import pytest
from django.db import transaction
from django.utils import timezone

from common import wake
from orders.endpoints import set_active
from orders.models import Notification
from orders.notifications import NOTIFY_DUE, TASK_NAMES, notify
from tests.factories import an_order
from tests.orders.telling import a_fact, an_endpoint

pytestmark = pytest.mark.django_db(transaction=True)
URL = "https://warehouse.example/hook"


@pytest.fixture
def published(monkeypatch):
    sent = []
    monkeypatch.setattr(wake, "_publish", lambda task, **_: sent.append(task))
    return sent


def test_a_fact_is_written_for_each_endpoint_under_one_id():
    endpoints = [an_endpoint(URL, name) for name in ("books", "warehouse")]

    a_fact()

    rows = Notification.objects.order_by("pk")
    assert [row.endpoint for row in rows] == endpoints
    assert len({row.message_id for row in rows}) == 1
    assert rows[0].message_id.startswith("msg_")


def test_the_body_says_what_became_of_the_order():
    an_endpoint(URL)
    order, now = an_order(), timezone.now()

    fact = a_fact(order, "order.closed", now, refund="R1")

    assert json.loads(fact.body) == {
        "type": "order.closed",
        "timestamp": now.isoformat(),
        "data": {
            "order_no": order.order_no,
            "status": "unpaid",
            "version": order.version,
            "total": 1250,
            "currency": "CNY",
            "refund": "R1",
        },
    }
    assert (fact.due_at, fact.state) == (now, "waiting")


def test_a_fact_is_kept_for_an_endpoint_that_pauses_and_wakes_nobody(published):
    endpoint = an_endpoint(URL)
    set_active(endpoint_id=endpoint.pk, active=False, now=timezone.now())
    order = an_order()

    with transaction.atomic():
        notify(order=order, type="order.paid", now=timezone.now())

    assert (Notification.objects.get().endpoint, published) == (endpoint, [])


def test_without_endpoints_a_fact_costs_one_query(django_assert_num_queries, published):
    order = an_order()

    with transaction.atomic(), django_assert_num_queries(1):
        notify(order=order, type="order.paid", now=timezone.now())

    assert published == []


def test_a_fact_that_is_rolled_back_was_never_told(published):
    an_endpoint(URL)
    order = an_order()

    with transaction.atomic():
        notify(order=order, type="order.paid", now=timezone.now())
        transaction.set_rollback(True)

    assert (Notification.objects.count(), published) == (0, [])


def test_many_facts_wake_one_worker(published):
    an_endpoint(URL)

    for _ in range(5):
        a_fact()

    assert published == [NOTIFY_DUE]
    assert TASK_NAMES == (NOTIFY_DUE,)
