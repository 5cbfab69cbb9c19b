"""What the flows have in common: an app, a channel that calls back, beat, and things at once."""

import datetime as dt
import json
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from celery import current_app
from django.db import connection
from django.http import HttpResponse
from django.test import Client

from payments.models import Payment
from workers import relay, schedule, tasks

A_SECOND = dt.timedelta(seconds=1)


class App:
    """A guest's app: it orders tea, pays, and polls."""

    def __init__(self) -> None:
        self._client = Client(raise_request_exception=False)
        self.headers: dict[str, str] = {}

    def order(self) -> dict[str, Any]:
        order = self._post("/orders", {"lines": [{"sku": "tea", "quantity": 1}]})
        self.headers = {"X-Order-Token": order["token"]}
        return order

    def pay(self, order: Mapping[str, Any], channel: str = "fake") -> dict[str, Any]:
        return self._post(f"/orders/{order['order_no']}/payments", {"channel": channel})

    def buy(self) -> Payment:
        """Order and start to pay; the row of the payment."""
        return Payment.objects.get(payment_no=self.pay(self.order())["payment_no"])

    def come_back(self, payment: Payment) -> dict[str, Any]:
        return self._post(f"/payments/{payment.payment_no}/returned", {})

    def poll(self, payment: Payment) -> tuple[str, str, bool, int]:
        """Status of payment and order, whether that is final, and the version."""
        path = f"/api/v1/payments/{payment.payment_no}/status"
        said = self._client.get(path, headers=self.headers).json()
        return said["status"], said["order_status"], said["final"], said["version"]

    def _post(self, path: str, body: object) -> dict[str, Any]:
        answer = self._client.post(
            f"/api/v1{path}",
            data=json.dumps(body),
            content_type="application/json",
            headers=self.headers,
        )
        assert answer.status_code in (200, 201, 202), answer.content
        return answer.json()


class Beat:
    """Sends what is declared in `workers.schedule`, at a time that the test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._clock = SimpleNamespace(now=lambda: self.now)
        self.now = dt.datetime.now(dt.UTC)
        monkeypatch.setattr(tasks, "timezone", self._clock)

    def tick(self, at: dt.datetime) -> None:
        """Everything that beat sends within a minute, once; the relay last."""
        self.now = at
        for entry in sorted(schedule.ENTRIES, key=lambda entry: entry.task == "workers.relay_due"):
            current_app.tasks[entry.task](**entry.kwargs)
            self.now += A_SECOND


def call_back(callback: tuple[dict[str, str], bytes], *, to: str = "fake") -> HttpResponse:
    """The channel's POST; `callback` are its headers and body."""
    headers, body = callback
    return Client(raise_request_exception=False).post(
        f"/callbacks/{to}/", data=body, content_type="application/json", headers=headers
    )


def later(payment: Payment, seconds: float) -> dt.datetime:
    """So many seconds after the payment's start."""
    return payment.created_at + dt.timedelta(seconds=seconds)


def relay_all(now: dt.datetime) -> None:
    while relay.relay_due(now=now):
        pass


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Run calls together, each in a thread with a database connection of its own."""
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        try:
            barrier.wait(timeout=20)
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(run, call) for call in calls]]
