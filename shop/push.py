"""Push: "order so-and-so changed, it is version n now". Whoever misses it asks, as before."""

from typing import Any
from urllib.parse import parse_qs

from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.urls import path

from orders.push_hints import group_of
from shop.access import is_order_token

PROTOCOL = "nodrop"
NOT_HERE = 4404  # the close code for an order that isn't there, or is somebody else's


class OrderConsumer(AsyncJsonWebsocketConsumer):
    """One app that watches one order. It needs no database: the order's token proves the right.

    The token comes as the second subprotocol (`["nodrop", token]`), which keeps it out of access
    logs, or as `?token=` where a client can't send subprotocols.
    """

    group = ""

    async def connect(self) -> None:
        offered = self.scope.get("subprotocols", [])
        order_no = self.scope["url_route"]["kwargs"]["order_no"]
        # Accepted in any case: before that, a browser is told no close code.
        await self.accept(PROTOCOL if PROTOCOL in offered else None)
        if not is_order_token(self._token(offered), order_no=order_no):
            await self.close(NOT_HERE)
            return
        self.group = group_of(order_no)
        await self.channel_layer.group_add(self.group, self.channel_name)

    async def disconnect(self, code: int) -> None:
        if self.group:
            await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive(self, **_message: Any) -> None:
        """What an app sends is of no interest."""

    async def order_changed(self, event: dict[str, Any]) -> None:
        await self.send_json({"order_no": event["order_no"], "version": event["version"]})

    def _token(self, offered: list[str]) -> str:
        if PROTOCOL in offered:
            return next((word for word in offered if word != PROTOCOL), "")
        query_string: bytes = self.scope["query_string"]
        return parse_qs(query_string.decode("latin-1")).get("token", [""])[0]


websocket_urlpatterns = [path("ws/orders/<slug:order_no>/", OrderConsumer.as_asgi())]
