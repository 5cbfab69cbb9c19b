"""Push over real sockets: it is quicker than asking, and its death costs one poll and no more."""

import asyncio
import json

import pytest
import websockets
from websockets.exceptions import ConnectionClosed

from shop.push import NO_TICKET, OTHER_ORDER
from tests.live.world import PAID_ONCE, eventually

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]


@pytest.fixture
def push(world):
    """The push process; gives the address of its sockets."""
    world.parts.start("push")
    yield world.parts.url("push").replace("http", "ws")
    world.parts.stop("push")


def ticket_of(world, purchase):
    answer = world.http.post(
        f"{world.web}/api/v1/orders/{purchase.order_no}/tickets",
        headers={"X-Order-Token": purchase.token},
        timeout=10,
    )
    assert answer.status_code == 201, answer.text
    return answer.json()["ticket"]


def listen(push, purchase, ticket, **options):
    url = f"{push}/ws/orders/{purchase.order_no}/"
    return websockets.connect(url, subprotocols=["nodrop", ticket], **options)


def test_a_socket_hears_of_the_payment_and_the_client_asks_what_happened(world, push):
    purchase = world.buy()
    ticket = ticket_of(world, purchase)

    async def story():
        async with listen(push, purchase, ticket) as socket:
            await asyncio.to_thread(purchase.pay)
            while not purchase.poll()["final"]:
                heard = json.loads(await asyncio.wait_for(socket.recv(), 20))
        return heard

    heard = asyncio.run(story())

    assert heard["order_no"] == purchase.order_no
    assert set(heard) == {"order_no", "version"}
    assert purchase.poll()["order_status"] == "paid"
    assert world.end_alike(purchase)


def test_tickets_that_are_used_or_anothers_open_nothing(world, push):
    mine, other = world.buy(), world.buy()
    used = ticket_of(world, mine)

    async def end_of(purchase, ticket):
        async with listen(push, purchase, ticket) as socket:
            with pytest.raises(ConnectionClosed) as closed:
                await asyncio.wait_for(socket.recv(), 10)
            return closed.value.rcvd.code

    async def story():
        async with listen(push, mine, used):
            replayed = await end_of(mine, used)
        return replayed, await end_of(other, ticket_of(world, mine))

    assert asyncio.run(story()) == (NO_TICKET, OTHER_ORDER)


def test_without_the_push_process_the_polls_tell_the_same(world, push):
    purchase = world.buy()
    ticket = ticket_of(world, purchase)

    async def story():
        async with listen(push, purchase, ticket) as socket:
            world.parts.kill("push")
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(socket.recv(), 10)
            await asyncio.to_thread(purchase.pay)

    asyncio.run(story())

    assert eventually(lambda: purchase.poll()["final"], True)
    assert (purchase.poll()["status"], purchase.poll()["order_status"]) == ("succeeded", "paid")
    assert purchase.outcome() == PAID_ONCE
