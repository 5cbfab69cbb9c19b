"""Whether requests can be served, and when the parts that nobody watches were last alive."""

import datetime as dt

import pytest
from django.db import DatabaseError
from django.test import override_settings
from django.utils import timezone

from payments import health, services

pytestmark = pytest.mark.django_db


def test_the_process_answers(client):
    answer = client.get("/livez")

    assert (answer.status_code, answer.content) == (200, b"ok")


def test_ready_with_database_and_redis(client):
    services.heartbeat(name="beat", now=timezone.now())

    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()["database"], answer.json()["redis"]) == (
        200,
        "ok",
        "ok",
    )
    assert answer.json()["heartbeats"]["beat"]["stale"] is False
    assert answer.json()["heartbeats"]["sweep"] == {"age_seconds": None, "stale": True}


def test_a_heartbeat_goes_stale(client):
    services.heartbeat(name="sweep", now=timezone.now() - dt.timedelta(minutes=4))

    assert client.get("/readyz").json()["heartbeats"]["sweep"]["stale"] is True


def test_without_redis_requests_are_served_all_the_same(client, settings):
    nobody_listens = settings.CACHES["default"] | {"LOCATION": "redis://127.0.0.1:1/0"}

    with override_settings(CACHES={"default": nobody_listens}):
        answer = client.get("/readyz")

    assert (answer.status_code, answer.json()["redis"]) == (200, "down")


def test_without_the_database_no_request_can_be_served(client, monkeypatch):
    def cut(*_args, **_kwargs):
        raise DatabaseError("cut")

    monkeypatch.setattr(health.Heartbeat.objects, "all", cut)

    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()["database"]) == (503, "down")
