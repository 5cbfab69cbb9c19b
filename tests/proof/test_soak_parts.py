"""The soak's tools: a storm that comes from its seed, and a proxy that does what it says."""

import socket
import threading
from datetime import UTC, datetime
from itertools import pairwise
from types import SimpleNamespace

import pytest

from proof.soak.books import Books
from proof.soak.proxy import Fault, Kind, Links
from proof.soak.storm import schedule

ECHO = b"twenty-five bytes and more"


@pytest.fixture
def link():
    """A link to a server that says back what it hears."""
    with socket.create_server(("127.0.0.1", 0)) as server, Links() as links:
        threading.Thread(target=echo, args=[server], daemon=True).start()
        yield links.open(to=server.getsockname())


def echo(server):
    try:
        while True:
            connection, _ = server.accept()
            threading.Thread(target=echo_one, args=[connection], daemon=True).start()
    except OSError:
        return


def echo_one(connection):
    with connection:
        try:
            while piece := connection.recv(1000):
                connection.sendall(piece)
        except OSError:
            return


def asked(link):
    client = socket.create_connection(("127.0.0.1", link.port), timeout=5)
    client.sendall(ECHO)
    return client


def heard(client):
    """All that comes, and how it ends: `eof`, `reset`, or `silence` after half a second."""
    client.settimeout(0.5)
    said = b""
    try:
        while piece := client.recv(1000):
            said += piece
    except TimeoutError:
        return said, "silence"
    except ConnectionResetError:
        return said, "reset"
    return said, "eof"


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        (Fault(Kind.CLEAR), (ECHO, "silence")),
        (Fault(Kind.HOLD), (b"", "silence")),
        (Fault(Kind.HOLD_ANSWERS), (b"", "silence")),
        (Fault(Kind.DELAY, seconds=0.1), (ECHO, "silence")),
        (Fault(Kind.SLICE, seconds=0.01, size=7), (ECHO, "silence")),
        (Fault(Kind.CUT, size=5), (ECHO[:5], "reset")),
        (Fault(Kind.HALF_CLOSE, size=5), (ECHO[:5], "eof")),
        (Fault(Kind.RESET_BEFORE, match=b"bytes"), (b"", "reset")),
        (Fault(Kind.RESET_AFTER, match=b"bytes"), (b"", "reset")),
        (Fault(Kind.RESET_AFTER, match=b"COMMIT"), (ECHO, "silence")),
    ],
    ids=lambda value: str(value.kind) if isinstance(value, Fault) else "",
)
def test_each_fault_does_to_an_answer_what_it_says(link, fault, what):
    link.strike(fault)

    with asked(link) as client:
        assert heard(client) == what


def test_what_was_held_arrives_when_the_link_heals(link):
    link.strike(Fault(Kind.HOLD))
    with asked(link) as client:
        assert heard(client) == (b"", "silence")

        link.heal()

        assert heard(client) == (ECHO, "silence")


def test_a_reset_ends_open_connections_and_new_ones(link):
    with asked(link) as client:
        assert heard(client) == (ECHO, "silence")

        link.strike(Fault(Kind.RESET))

        assert heard(client) == (b"", "reset")
    # So soon, perhaps, that she hears of it while she still asks.
    with pytest.raises((ConnectionResetError, BrokenPipeError)), asked(link) as another:
        another.recv(1)


def test_a_storm_is_its_seeds_alone_and_brings_each_kind_before_any_comes_again():
    storm = schedule(seed=7, seconds=900, gaps=(5, 15))

    assert storm == schedule(seed=7, seconds=900, gaps=(5, 15))
    assert storm != schedule(seed=8, seconds=900, gaps=(5, 15))
    gaps = [after.at - before.at for before, after in pairwise(storm)]
    assert 5 <= min(gaps) <= max(gaps) <= 15
    ways = {strike.where.partition(">")[2] for strike in storm if strike.kind == "link"}
    assert ways == {"postgres", "valkey", "wallet", "web"}
    assert {"kill child", "kill parent", "kill at", "flushall", "stop", "restart"} <= {
        strike.kind for strike in storm
    }


@pytest.mark.parametrize(
    ("taken", "by_callback", "left"),
    [
        ("11:59", True, {"P1"}),  # the callback of the first capture was late
        ("11:59", False, set()),  # whoever asked was told of both
        ("12:01", False, {"P1"}),
    ],
)
def test_only_money_that_nobody_could_know_of_is_left_to_the_statement(taken, by_callback, left):
    first = {"capture_no": "C1", "at": "2026-05-04T11:58:00+00:00"}
    second = {"capture_no": "C2", "at": f"2026-05-04T{taken}:00+00:00"}
    books = Books(
        {"P1": {"captures": [first, second]}},
        payments={"P1": SimpleNamespace(settled_at=datetime(2026, 5, 4, 12, tzinfo=UTC))},
        captures={("P1", "C1")},
        by_callback={"P1"} if by_callback else set(),
    )

    assert books.left_to_the_statement() == left
