"""Receivers that hang, drip, redirect or lead inside, and what the operator reads of it."""

import socket
import time
from contextlib import contextmanager

import pytest
from django.utils import timezone

from orders.deliveries import deliver_due, posting
from orders.models import DeliveryTry, Endpoint
from tests.orders.receiver import Receiver, answering
from tests.orders.telling import a_fact, an_endpoint

pytestmark = pytest.mark.django_db(transaction=True)


def tried(url):
    """What a try at this URL came to, and how many seconds it took; nothing was delivered."""
    endpoint = an_endpoint("https://warehouse.example/")
    Endpoint.objects.filter(pk=endpoint.pk).update(url=url)  # as if it had been allowed once
    fact, started = a_fact(), time.monotonic()
    deliver_due(now=timezone.now())
    took = time.monotonic() - started
    fact.refresh_from_db()
    assert (fact.state, fact.tries) == ("waiting", 1)
    return DeliveryTry.objects.get().answer, took


def test_who_hangs_is_left_at_the_deadline(receiver, short_deadline):
    receiver.always = receiver.hanging

    answer, took = tried(receiver.url)

    assert answer == "no answer in time"
    assert 0.4 < took < 0.9


def test_who_drips_is_left_at_the_deadline(receiver, short_deadline):
    receiver.always = receiver.dripping

    answer, took = tried(receiver.url)

    assert answer == "no answer in time"
    assert 0.4 < took < 0.9


def test_a_body_that_does_not_end_takes_nothing_back(receiver):
    def drip_body(request, received):
        answering(200)(request, received)
        while not receiver.leaving.wait(0.05):
            request.wfile.write(b"x")

    def endless(request, received):
        request.send_response(200)
        request.send_header("content-length", "1000000")
        request.end_headers()
        drip_body(request, received)

    receiver.always = endless
    an_endpoint(receiver.url)
    fact, started = a_fact(), time.monotonic()

    deliver_due(now=timezone.now())

    fact.refresh_from_db()
    assert fact.state == "delivered"
    assert time.monotonic() - started < posting.SECONDS_FOR_BODY + 0.5


def test_a_huge_body_is_not_read(receiver):
    receiver.always = answering(500, b"no" * 5_000_000)

    answer, took = tried(receiver.url)

    assert answer == ("HTTP 500 " + "no" * 500)[:200]
    assert took < 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed(receiver, other_receiver, status):
    receiver.always = answering(status, location=other_receiver.url)

    answer, _ = tried(receiver.url)

    assert answer == f"HTTP {status}"
    assert other_receiver.received == []


def test_a_refused_connection_is_a_failed_try(private_allowed):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]

    answer, _ = tried(f"http://127.0.0.1:{port}/")

    assert answer == "no connection: Connection refused"


def test_an_unknown_host_is_a_failed_try():
    answer, _ = tried("http://no-such-host.invalid/secret-path")

    assert answer.startswith("no connection: ")
    assert "secret-path" not in answer


@contextmanager
def listening():
    """A server on loopback that counts who connects."""
    with Receiver() as receiver:
        yield receiver
        assert receiver.received == []


@pytest.fixture
def connections(monkeypatch):
    """Where anybody connects."""
    made = []
    real = socket.socket.connect

    def connect(self, place):
        if self.family != socket.AF_UNIX:
            made.append(place)
        return real(self, place)

    monkeypatch.setattr(socket.socket, "connect", connect)
    return made


@pytest.mark.parametrize(
    "host",
    [
        *("10.0.0.1", "127.0.0.1", "127.1", "2130706433", "0x7f000001", "192.168.1.1"),
        *("169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "[::1]", "[::ffff:127.0.0.1]"),
        *("[fd00::1]", "[fe80::1]", "[64:ff9b::7f00:1]", "localhost", "LOCALHOST"),
    ],
)
def test_a_private_address_is_never_connected_to(host, connections):
    with listening() as receiver:
        answer, _ = tried(f"http://{host}:{receiver.port}/")

    assert "private address" in answer
    assert connections == []


def answering_names(monkeypatch, **names):
    """Have these names resolved to these addresses; all else as ever."""
    real = socket.getaddrinfo

    def resolve(host, port, *args, **kwargs):
        if host not in names or kwargs.get("flags"):
            return real(host, port, *args, **kwargs)
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in names[host]
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@pytest.mark.parametrize(
    "leads_to", [["127.0.0.1"], ["93.184.215.14", "127.0.0.1"], ["127.0.0.1", "93.184.215.14"]]
)
def test_a_name_that_leads_inside_is_never_connected_to(monkeypatch, connections, leads_to):
    answering_names(monkeypatch, **{"inside.test": leads_to})

    with listening() as receiver:
        answer, _ = tried(f"http://inside.test:{receiver.port}/")

    assert answer == "inside.test leads to the private address 127.0.0.1"
    assert connections == []


def test_a_name_that_leads_inside_from_the_second_look_on_is_never_connected_to(
    monkeypatch, connections
):
    answering_names(monkeypatch, **{"rebinding.test": ["127.0.0.1"]})
    monkeypatch.setattr(posting, "refuse_private", lambda *_: None)  # the first look

    with listening() as receiver:
        answer, _ = tried(f"http://rebinding.test:{receiver.port}/")

    assert answer == "the host leads to a private address"
    assert connections == []


def test_without_leave_plain_http_is_not_sent(receiver, settings):
    settings.NOTIFY_HTTP = False

    answer, _ = tried(receiver.url)

    assert answer.startswith("The URL must begin with https://")
    assert receiver.received == []


def test_the_environments_proxy_is_not_used(receiver, other_receiver, monkeypatch):
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{other_receiver.port}")
    an_endpoint(receiver.url)
    a_fact()

    deliver_due(now=timezone.now())

    assert (len(receiver.received), other_receiver.received) == (1, [])


def test_who_speaks_no_tls_gets_nothing(receiver):
    answer, _ = tried(receiver.url.replace("http:", "https:"))

    assert answer.startswith("no secure connection: ")
    assert receiver.received == []


def test_a_name_server_that_hangs_is_left_soon_after_the_deadline(monkeypatch, short_deadline):
    monkeypatch.setattr(posting, "refuse_private", lambda *_: time.sleep(1.5))

    answer, took = tried("http://slow.test/")

    assert answer == "no answer in time: not even its name's"
    assert took < 1.4
