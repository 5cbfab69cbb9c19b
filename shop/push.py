"""Push: "order so-and-so changed, it is version n now". Whoever misses it asks, as before."""

import asyncio
from typing import Any
from urllib.parse import parse_qs

import structlog
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.routing import URLRouter
from channels.security.websocket import OriginValidator
from django.conf import settings
from django.urls import path
from django.utils import timezone

from orders.push_hints import group_of
from shop import tickets
from shop.tickets import MOST_AGE

log = structlog.get_logger(__name__)

PROTOCOL = "nodrop"
# Close codes, as docs/api.md explains them to who writes an app.
NO_TICKET = 4401  # none, or one that is expired, used, or never was: get another
OTHER_ORDER = 4403  # the ticket is another order's
TOO_OLD = 4408  # the socket has lived for `MOST_AGE`
TOO_MANY = 4429  # the shopper has as many sockets as one may have
TRY_LATER = 1013  # RFC 6455's registry: the server can't, at the moment


class OrderConsumer(AsyncJsonWebsocketConsumer):
    """One client that watches one order. It needs no database: the ticket proves the right.

    The ticket comes as the second subprotocol (`["nodrop", ticket]`), which keeps it out of access
    logs, or as `?ticket=` where a client can't send subprotocols.
    """

    group = ""
    holder = ""
    end: asyncio.TimerHandle | None = None

    async def connect(self) -> None:
        offered = self.scope.get("subprotocols", [])
        order_no = self.scope["url_route"]["kwargs"]["order_no"]
        try:
            refusal = await asyncio.to_thread(self._admit, self._ticket(offered), order_no)
            if not refusal:
                await self.channel_layer.group_add(group_of(order_no), self.channel_name)
                self.group = group_of(order_no)
        except Exception as error:  # noqa: BLE001  (the layer's errors are its client library's)
            log.warning("push_away", error=repr(error))
            refusal = TRY_LATER
        # Accepted in any case: before that, a browser is told no close code. And only now: who sees
        # the socket open and asks for the status misses nothing that comes after the answer.
        await self.accept(PROTOCOL if PROTOCOL in offered else None)
        if refusal:
            await self.close(refusal)
            return
        loop = asyncio.get_running_loop()
        self.end = loop.call_later(MOST_AGE.total_seconds(), self._end_of_time)

    async def disconnect(self, code: int) -> None:
        if self.end:
            self.end.cancel()
        if self.holder:
            await asyncio.to_thread(tickets.leave_seat, holder=self.holder, seat=self.channel_name)
        if self.group:
            await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive(self, **_message: Any) -> None:
        """What a client sends is of no interest."""

    async def order_changed(self, event: dict[str, Any]) -> None:
        await self.send_json({"order_no": event["order_no"], "version": event["version"]})

    def _admit(self, secret: str, order_no: str) -> int:
        """Use the ticket and take a seat; the close code where that can't be, else 0."""
        ticket = tickets.use(secret) if secret else None
        if ticket is None:
            return NO_TICKET
        if ticket.order_no != order_no:
            return OTHER_ORDER
        seat = self.channel_name
        if not tickets.take_seat(holder=ticket.holder, seat=seat, now=timezone.now()):
            return TOO_MANY
        self.holder = ticket.holder
        return 0

    def _end_of_time(self) -> None:
        self.closing = asyncio.ensure_future(self.close(TOO_OLD))

    def _ticket(self, offered: list[str]) -> str:
        if PROTOCOL in offered:
            return next((word for word in offered if word != PROTOCOL), "")
        query_string: bytes = self.scope["query_string"]
        return parse_qs(query_string.decode("latin-1")).get("ticket", [""])[0]


class OriginGuard(OriginValidator):
    """Refuses pages of others. Apps send no `Origin`, and browsers can't leave it out."""

    def valid_origin(self, parsed_origin: Any) -> bool:
        if parsed_origin is None:
            return bool(settings.PUSH_WITHOUT_ORIGIN)
        try:
            return bool(super().valid_origin(parsed_origin))
        except ValueError:  # a port that is none
            return False


websocket_urlpatterns = [path("ws/orders/<slug:order_no>/", OrderConsumer.as_asgi())]
application = OriginGuard(URLRouter(websocket_urlpatterns), settings.PUSH_ORIGINS)
