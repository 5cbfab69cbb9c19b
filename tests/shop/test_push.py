"""Push: who shows a ticket is told, and only that something changed."""

import datetime as dt
import json
from urllib.parse import urlparse

import pytest
import redis
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from channels.layers import get_channel_layer
from channels.routing import URLRouter
from django.utils import timezone

from orders.models import Order
from orders.push_hints import group_of
from shop import push, tickets, volatile
from shop.push import (
    NO_TICKET,
    OTHER_ORDER,
    TOO_MANY,
    TOO_OLD,
    TRY_LATER,
    OriginGuard,
    application,
    websocket_urlpatterns,
)
from tests.flows.world import at_once

# Channels looks after the thread's database connection around each message.
pytestmark = pytest.mark.django_db
ORDER = "N" + "0" * 20
OTHER = "N" + "1" * 20
SILENCE = 4  # seconds, on the real layer
PAGE = "https://shop.example"


@pytest.fixture
def _layer_in_memory(settings):
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}


@pytest.fixture
def redis_away(monkeypatch):
    gone = redis.Redis(unix_socket_path="/nowhere")
    monkeypatch.setattr(tickets, "client", lambda: gone)


def a_ticket(order_no=ORDER, user_id=None):
    return tickets.issue(order_no=order_no, user_id=user_id)


def changed(version, order_no=ORDER):
    return {"type": "order.changed", "order_no": order_no, "version": version}


class Socket(ApplicationCommunicator):
    """A WebSocket to the push server. (Channels' own needs Daphne, which we don't run.)"""

    def __init__(
        self, ticket: str = "", *, order_no: str = ORDER, query: str = "", origin: str | None = None
    ) -> None:
        scope = {
            "type": "websocket",
            "path": f"/ws/orders/{order_no}/",
            "query_string": query.encode(),
            "headers": [] if origin is None else [(b"origin", origin.encode())],
            "subprotocols": ["nodrop", ticket] if ticket else [],
        }
        super().__init__(OriginGuard(URLRouter(websocket_urlpatterns), [PAGE]), scope)

    async def connect(self):
        await self.send_input({"type": "websocket.connect"})
        return await self.receive_output()

    async def say(self, text):
        await self.send_input({"type": "websocket.receive", "text": text})

    async def hear(self):
        return json.loads((await self.receive_output())["text"])

    async def hang_up(self):
        await self.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wait()

    async def close_code(self):
        closed = await self.receive_output()
        assert closed["type"] == "websocket.close"
        return closed["code"]


async def change(version, order_no=ORDER):
    await get_channel_layer().group_send(group_of(order_no), changed(version, order_no))


def refusal_of(socket):
    """The close code of a socket that is refused, which then hears nothing of any change."""

    async def story():
        await socket.connect()
        code = await socket.close_code()
        await change(7)
        assert await socket.receive_nothing()
        return code

    return async_to_sync(story)()


# --- With a ticket -------------------------------------------------------------------------------


@pytest.mark.usefixtures("_layer_in_memory")
@pytest.mark.parametrize("place", ["subprotocol", "query"])
def test_a_client_with_a_ticket_hears_which_order_changed_and_nothing_else(place):
    ticket = a_ticket()
    socket = Socket(ticket) if place == "subprotocol" else Socket(query=f"ticket={ticket}")

    async def story():
        accepted = await socket.connect()
        await socket.say("whatever a client may say")
        await change(7)
        heard = await socket.hear()
        await socket.hang_up()
        return accepted, heard

    accepted, heard = async_to_sync(story)()

    assert accepted["type"] == "websocket.accept"
    assert accepted["subprotocol"] == ("nodrop" if place == "subprotocol" else None)
    assert heard == {"order_no": ORDER, "version": 7}


@pytest.mark.usefixtures("_layer_in_memory")
def test_a_socket_hears_nothing_of_other_orders():
    socket = Socket(a_ticket())

    async def story():
        await socket.connect()
        await change(7, OTHER)
        silent = await socket.receive_nothing()
        await socket.hang_up()
        return silent

    assert async_to_sync(story)()


@pytest.mark.usefixtures("_layer_in_memory")
def test_a_socket_ends_after_its_time(monkeypatch):
    monkeypatch.setattr(push, "MOST_AGE", dt.timedelta(seconds=0.05))
    socket = Socket(a_ticket())

    async def story():
        await socket.connect()
        code = await socket.close_code()
        await socket.hang_up()
        return code

    assert async_to_sync(story)() == TOO_OLD


# --- Without a good one --------------------------------------------------------------------------


@pytest.mark.usefixtures("_layer_in_memory")
@pytest.mark.parametrize("ticket", ["", "wrong", "é" * 43])
def test_without_a_ticket_a_socket_is_closed(ticket):
    assert refusal_of(Socket(ticket)) == NO_TICKET


@pytest.mark.usefixtures("_layer_in_memory")
def test_an_orders_token_is_no_ticket(guest):
    order = guest.order()

    assert refusal_of(Socket(order["token"], order_no=order["order_no"])) == NO_TICKET


@pytest.mark.usefixtures("_layer_in_memory")
def test_a_ticket_opens_no_other_order_and_is_spent_by_the_attempt():
    ticket = a_ticket(OTHER)

    assert refusal_of(Socket(ticket)) == OTHER_ORDER
    assert refusal_of(Socket(ticket, order_no=OTHER)) == NO_TICKET


@pytest.mark.usefixtures("_layer_in_memory")
def test_a_ticket_is_used_once():
    ticket = a_ticket()

    async def first():
        socket = Socket(ticket)
        await socket.connect()
        await socket.hang_up()

    async_to_sync(first)()

    assert refusal_of(Socket(ticket)) == NO_TICKET


@pytest.mark.usefixtures("_layer_in_memory")
def test_a_ticket_that_has_expired_opens_nothing():
    ticket = a_ticket()
    volatile.client().pexpire(tickets._TICKET + ticket, 0)

    assert refusal_of(Socket(ticket)) == NO_TICKET


def test_a_new_ticket_lives_for_a_minute():
    ticket = a_ticket()

    assert 58 < volatile.client().ttl(tickets._TICKET + ticket) <= 60


def test_of_many_that_use_a_ticket_at_once_one_gets_in():
    ticket = a_ticket()

    used = at_once(*[lambda: tickets.use(ticket)] * 8)

    assert sorted(each is not None for each in used) == [False] * 7 + [True]


@pytest.mark.usefixtures("_layer_in_memory", "redis_away")
def test_while_redis_is_away_a_socket_is_told_to_come_later():
    assert refusal_of(Socket("any")) == TRY_LATER


# --- How many ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("_layer_in_memory")
def test_a_shopper_has_so_many_sockets_and_another_when_one_is_closed(settings):
    settings.PUSH_SOCKETS = 2

    async def story():
        sockets = [Socket(each) for each in spare[:2]]
        for socket in sockets:
            await socket.connect()
        third = Socket(spare[2])
        await third.connect()
        code = await third.close_code()
        await third.hang_up()
        await sockets[0].hang_up()
        fourth = Socket(spare[3])
        await fourth.connect()
        await change(7)
        heard = await fourth.hear()
        for socket in (sockets[1], fourth):
            await socket.hang_up()
        return code, heard

    spare = [a_ticket() for _ in range(4)]
    code, heard = async_to_sync(story)()

    assert (code, heard["version"]) == (TOO_MANY, 7)


def test_seats_are_a_users_over_all_orders_or_a_guests_of_one(settings):
    settings.PUSH_SOCKETS = 1
    now = timezone.now()
    of_user = [tickets.use(a_ticket(order_no, user_id=1)) for order_no in (ORDER, OTHER)]
    of_guests = [tickets.use(a_ticket(order_no)) for order_no in (ORDER, OTHER)]

    def seated(ticket):
        return tickets.take_seat(holder=ticket.holder, seat=a_ticket(), now=now)

    assert [seated(ticket) for ticket in of_user] == [True, False]
    assert [seated(ticket) for ticket in of_guests] == [True, True]


def test_a_seat_that_a_crash_left_taken_is_free_after_the_longest_life_of_a_socket(settings):
    settings.PUSH_SOCKETS = 1
    now = timezone.now()
    holder = "order.crashed"
    tickets.take_seat(holder=holder, seat="of a process that died", now=now)

    assert not tickets.take_seat(holder=holder, seat="new", now=now)
    assert tickets.take_seat(holder=holder, seat="new", now=now + tickets.MOST_AGE)


# --- Origin --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("_layer_in_memory")
@pytest.mark.parametrize(
    ("origin", "lets_in"),
    [
        (PAGE, True),
        (None, True),
        ("https://evil.example", False),
        ("http://shop.example", False),
        ("https://shop.example.evil.example", False),
        ("https://shop.example:99999999", False),
        ("null", False),
        ("", False),
    ],
)
def test_only_our_own_pages_and_apps_get_in(origin, lets_in):
    socket = Socket(a_ticket(), origin=origin)

    async def story():
        answer = await socket.connect()
        await socket.hang_up()
        return answer["type"]

    assert async_to_sync(story)() == ("websocket.accept" if lets_in else "websocket.close")


@pytest.mark.parametrize(
    ("origin", "lets_in"),
    [
        ("http://127.0.0.1:12345", True),
        ("http://localhost:8000", True),
        ("http://[::1]:8000", True),
        ("http://evil.example", False),
        ("http://127.0.0.1.evil.example", False),
        ("null", False),
    ],
)
def test_where_no_origins_are_set_only_pages_of_this_machine_get_in(origin, lets_in):
    assert application.valid_origin(urlparse(origin)) is lets_in


@pytest.mark.usefixtures("_layer_in_memory")
def test_who_names_no_origin_may_be_refused(settings):
    settings.PUSH_WITHOUT_ORIGIN = False
    socket = Socket(a_ticket())

    assert async_to_sync(socket.connect)()["type"] == "websocket.close"


# --- Tickets over the API ------------------------------------------------------------------------


@pytest.fixture
def _push_is_run(settings):
    settings.PUSH_URL = "wss://push.example"


def tickets_of(app, order):
    return app.post(f"/orders/{order['order_no']}/tickets")


@pytest.mark.usefixtures("_push_is_run")
@pytest.mark.parametrize("who", ["ann", "guest"])
def test_who_may_see_an_order_gets_a_ticket_for_it(request, who):
    app = request.getfixturevalue(who)
    order = app.order()

    answer = tickets_of(app, order)

    assert answer.status_code == 201
    assert answer["Cache-Control"] == "no-store"
    said = answer.json()
    assert said["url"] == f"wss://push.example/ws/orders/{order['order_no']}/"
    ticket = tickets.use(said["ticket"])
    owner = Order.objects.get().owner_id
    holder = f"user.{owner}" if who == "ann" else f"order.{order['order_no']}"
    assert ticket == tickets.Ticket(order["order_no"], holder)


@pytest.mark.usefixtures("_push_is_run")
@pytest.mark.parametrize("owner", ["ann", "guest"])
def test_nobody_gets_a_ticket_for_anothers_order(request, bob, owner):
    order = request.getfixturevalue(owner).order()

    assert tickets_of(bob, order).status_code == 404
    assert tickets_of(bob, {"order_no": OTHER}).status_code == 404


def test_a_shop_without_push_says_so(guest):
    answer = tickets_of(guest, guest.order())

    assert (answer.status_code, answer.json()["type"]) == (503, "urn:nodrop:push-not-here")


@pytest.mark.usefixtures("_push_is_run", "redis_away")
def test_without_redis_there_is_no_ticket_and_the_client_polls(guest):
    answer = tickets_of(guest, guest.order())

    assert (answer.status_code, answer.json()["type"]) == (503, "urn:nodrop:push-not-here")


# --- The layer -----------------------------------------------------------------------------------


def test_a_socket_outlives_a_time_without_news():
    socket = Socket(a_ticket())

    async def story():
        await socket.connect()
        silent = await socket.receive_nothing(timeout=SILENCE)
        await change(7)
        heard = await socket.hear()
        await socket.hang_up()
        return silent, heard

    silent, heard = async_to_sync(story)()

    assert silent
    assert heard["version"] == 7


def test_the_push_layer_waits_for_news_for_less_than_its_connection_may_be_silent():
    layer = get_channel_layer()

    [host] = layer.hosts

    assert layer.brpop_timeout < host["socket_timeout"]
