"""Writing down what the systems that fulfil orders are to be told; `orders.deliveries` tells them.

The rows are written in the transaction of the fact: told is exactly what has become true.
"""

import datetime as dt
import json

from common import wake
from common.numbers import new_number
from orders.models import Endpoint, Notification, Order

NOTIFY_DUE = "workers.notify_due"
TASK_NAMES = (NOTIFY_DUE,)


def notify(*, order: Order, type: str, now: dt.datetime, **data: object) -> None:
    """Have every endpoint told of a fact: `order.paid`, `order.closed`, …

    One that is switched off too: it hears what it missed once it is on again.

    Belongs into the transaction of the fact, with the order locked: so the notifications of an
    order are numbered in the order of its facts. `data` (JSON values) is told besides what the
    order says of itself. A fact has the same id at all endpoints.
    """
    endpoints = dict(Endpoint.objects.order_by("name").values_list("pk", "active"))
    if not endpoints:
        return
    message_id, body = new_number("msg_"), _body(order, type, now, data)
    Notification.objects.bulk_create(
        Notification(
            endpoint_id=endpoint_id,
            order=order,
            message_id=message_id,
            type=type,
            body=body,
            due_at=now,
            created_at=now,
        )
        for endpoint_id in endpoints
    )
    if any(endpoints.values()):
        wake.wake_on_commit(task=NOTIFY_DUE)


def _body(order: Order, type: str, now: dt.datetime, data: dict[str, object]) -> str:
    """The payload that Standard Webhooks suggests; the total is in minor units."""
    about = {
        "order_no": order.order_no,
        "status": str(order.status),
        "version": order.version,
        "total": order.total,
        "currency": order.currency,
    }
    told = {"type": type, "timestamp": now.astimezone(dt.UTC).isoformat(), "data": about | data}
    return json.dumps(told, separators=(",", ":"), allow_nan=False)
