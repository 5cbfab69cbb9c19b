"""Push: only who shows the order's token is told, and only that something changed."""

import json

import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from channels.layers import get_channel_layer
from channels.routing import URLRouter

from orders.push_hints import group_of
from shop.access import order_token
from shop.push import NOT_HERE, websocket_urlpatterns

# Channels looks after the thread's database connection around each message.
pytestmark = pytest.mark.django_db
ORDER = "N" + "0" * 20
APP = URLRouter(websocket_urlpatterns)
SILENCE = 4  # seconds, on the real layer


@pytest.fixture
def _layer_in_memory(settings):
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}


def changed(version):
    return {"type": "order.changed", "order_no": ORDER, "version": version}


class Socket(ApplicationCommunicator):
    """A WebSocket to the push server. (Channels' own needs Daphne, which we don't run.)"""

    def __init__(self, *, query: str = "", protocols: tuple[str, ...] = ()) -> None:
        path = f"/ws/orders/{ORDER}/"
        scope = {"type": "websocket", "path": path, "query_string": query.encode()}
        super().__init__(APP, scope | {"headers": [], "subprotocols": list(protocols)})

    async def connect(self):
        await self.send_input({"type": "websocket.connect"})
        return await self.receive_output()

    async def send(self, text):
        await self.send_input({"type": "websocket.receive", "text": text})

    async def hear(self):
        return json.loads((await self.receive_output())["text"])


async def change(version):
    await get_channel_layer().group_send(group_of(ORDER), changed(version))


@pytest.mark.usefixtures("_layer_in_memory")
@pytest.mark.parametrize(
    "token",
    [
        {"query": f"token={order_token(ORDER)}"},
        {"protocols": ("nodrop", order_token(ORDER))},
    ],
    ids=["in the query", "as subprotocol"],
)
def test_an_app_with_the_orders_token_hears_of_changes(token):
    async def story():
        socket = Socket(**token)
        accepted = await socket.connect()
        await socket.send("whatever an app may say")
        await change(7)
        heard = await socket.hear()
        await socket.send_input({"type": "websocket.disconnect", "code": 1000})
        await socket.wait()
        return accepted, heard

    accepted, heard = async_to_sync(story)()

    assert accepted["type"] == "websocket.accept"
    assert accepted["subprotocol"] == ("nodrop" if "protocols" in token else None)
    assert heard == {"order_no": ORDER, "version": 7}


@pytest.mark.usefixtures("_layer_in_memory")
@pytest.mark.parametrize("token", ["", "wrong", order_token("N" + "1" * 20)])
def test_without_it_the_order_is_not_there(token):
    async def story():
        socket = Socket(query=f"token={token}")
        await socket.connect()
        closed = await socket.receive_output()
        await change(7)
        return closed, await socket.receive_nothing()

    closed, silent = async_to_sync(story)()

    assert (closed["type"], closed["code"]) == ("websocket.close", NOT_HERE)
    assert silent


def test_a_socket_outlives_a_time_without_news():
    async def story():
        socket = Socket(protocols=("nodrop", order_token(ORDER)))
        await socket.connect()
        silent = await socket.receive_nothing(timeout=SILENCE)
        await change(7)
        heard = await socket.hear()
        await socket.send_input({"type": "websocket.disconnect", "code": 1000})
        await socket.wait()
        return silent, heard

    silent, heard = async_to_sync(story)()

    assert silent
    assert heard["version"] == 7


def test_the_push_layer_waits_for_news_for_less_than_its_connection_may_be_silent():
    layer = get_channel_layer()

    [host] = layer.hosts

    assert layer.brpop_timeout < host["socket_timeout"]
