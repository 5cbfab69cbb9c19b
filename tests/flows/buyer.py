"""Buys a tea in a process of its own, with the database and the Redis that its environment names.

`python -m tests.flows.buyer` prints JSON: what each request was answered, and how long it took.
"""

import json
import os
import time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.conf import settings  # noqa: E402  (needs the settings)
from django.test import Client  # noqa: E402  (as above)

from payments.channels.registry import get_channel  # noqa: E402  (as above)
from payments.models import Payment  # noqa: E402  (as above)

settings.NODROP_CHANNELS = {"fake": {"CLASS": "tests.fakes.FakeChannel", "LABEL": "Fake"}}
client = Client(raise_request_exception=False)


def post(path: str, body: bytes, **headers: str) -> tuple[dict, dict]:
    """The answer's JSON, and what to report of it."""
    started = time.monotonic()
    answer = client.post(path, data=body, content_type="application/json", headers=headers)
    seconds = round(time.monotonic() - started, 3)
    is_json = "json" in answer.headers["content-type"]
    return answer.json() if is_json else {}, {"status": answer.status_code, "seconds": seconds}


def main() -> None:
    client.get("/api/v1/products")  # what a process does once is not measured
    wish = json.dumps({"lines": [{"sku": "tea", "quantity": 1}]}).encode()
    order, ordered = post("/api/v1/orders", wish)
    payment, paid = post(
        f"/api/v1/orders/{order['order_no']}/payments",
        b'{"channel": "fake"}',
        **{"X-Order-Token": order["token"]},
    )
    row = Payment.objects.get(payment_no=payment["payment_no"])
    paid["due_in"] = (row.consult_due_at - row.created_at).total_seconds()
    channel = get_channel("fake")
    channel.pay(payment["payment_no"])  # type: ignore[attr-defined]
    headers, body = channel.callback(payment["payment_no"])  # type: ignore[attr-defined]
    time.sleep(float(os.environ.get("PAUSE", "0")))
    _, called = post("/callbacks/fake/", body, **headers)
    print(json.dumps({"order": ordered, "pay": paid, "callback": called}))  # noqa: T201


if __name__ == "__main__":
    main()
