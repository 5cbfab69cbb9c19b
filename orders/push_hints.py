"""Tells those who watch an order that it changed. A hint: who misses it asks, as before."""

import asyncio
import threading
from functools import cache

import structlog
from channels.layers import get_channel_layer
from django.db import transaction

log = structlog.get_logger(__name__)

TIMEOUT = 2.0  # seconds


def group_of(order_no: str) -> str:
    """The push layer's group of an order."""
    return f"order.{order_no}"


def tell_on_commit(*, order_no: str, version: int) -> None:
    """Push `{order_no, version}` to the sockets that watch this order, after the commit.

    Nobody waits for it: a push layer that hangs must delay no order.
    """

    def tell() -> None:
        asyncio.run_coroutine_threadsafe(_send(order_no, version), _loop())

    transaction.on_commit(tell, robust=True)


async def _send(order_no: str, version: int) -> None:
    message = {"type": "order.changed", "order_no": order_no, "version": version}
    try:
        async with asyncio.timeout(TIMEOUT):
            await get_channel_layer().group_send(group_of(order_no), message)
    except Exception as error:  # noqa: BLE001  (polling stays the truth)
        log.warning("push_not_sent", order_no=order_no, error=repr(error))


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """One event loop a process, so that its connection to the push layer is kept."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="push", daemon=True).start()
    return loop
