"""Tells those who watch an order that it changed. A hint: who misses it asks, as before."""

import structlog
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction

log = structlog.get_logger(__name__)


def group_of(order_no: str) -> str:
    """The push layer's group of an order."""
    return f"order.{order_no}"


def tell_on_commit(*, order_no: str, version: int) -> None:
    """Push `{order_no, version}` to the sockets that watch this order, after the commit."""

    def tell() -> None:
        try:
            async_to_sync(get_channel_layer().group_send)(
                group_of(order_no),
                {"type": "order.changed", "order_no": order_no, "version": version},
            )
        except Exception as error:  # noqa: BLE001  (polling stays the truth)
            log.warning("push_not_sent", order_no=order_no, error=repr(error))

    transaction.on_commit(tell, robust=True)
