"""An answer that is read in pieces, and what trouble in the middle of it is called."""

import collections
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from payments.channels.base import DefiniteNo, NotExecuted, OutcomeUnknown
from payments.channels.http import Answer, HttpClient
from tests.payments.channels.peer import answer, peer, saying, silent


def stream(
    url: str,
    *,
    timeout: float = 1.0,
    max_bytes: int = 1 << 20,
    refused: Callable[[Answer], object] | None = None,
) -> Iterator[bytes]:
    client = HttpClient(timeout=timeout)
    return client.stream("GET", url, max_bytes=max_bytes, refused=refused)


def test_a_body_comes_whole_and_in_pieces() -> None:
    body = bytes(range(256)) * 400

    with peer(saying(answer("200 OK", body))) as url:
        pieces = list(stream(url))

    assert b"".join(pieces) == body
    assert len(pieces) > 1


def test_the_first_piece_is_there_before_the_last_was_sent() -> None:
    first: list[bytes] = []

    def halting(connection: socket.socket) -> None:
        whole = answer("200 OK", b"x" * 60_000)
        connection.sendall(whole[:40_000])
        while not first:
            time.sleep(0.01)
        connection.sendall(whole[40_000:])

    with peer(halting) as url:
        pieces = stream(url, timeout=5)
        first.append(next(pieces))
        assert len(first[0]) + sum(len(piece) for piece in pieces) == 60_000


def test_nothing_is_sent_before_the_first_piece_is_asked_for() -> None:
    stream("http://127.0.0.1:9/")


def test_a_refused_connection_was_not_executed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]

    with pytest.raises(NotExecuted):
        next(stream(f"http://127.0.0.1:{port}/"))


def test_a_body_that_is_cut_is_unknown_after_what_came() -> None:
    came = bytearray()

    with peer(saying(answer("200 OK", b"x" * 40_000)[:-1])) as url, pytest.raises(OutcomeUnknown):
        collections.deque(map(came.extend, stream(url)))

    assert 0 < len(came) < 40_000


def test_chunks_without_their_end_are_unknown() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"

    with peer(saying(head)) as url, pytest.raises(OutcomeUnknown):
        list(stream(url))


def test_a_body_longer_than_the_cap_is_unknown() -> None:
    with peer(saying(answer("200 OK", b"x" * 50_001))) as url, pytest.raises(OutcomeUnknown):
        list(stream(url, max_bytes=50_000))


def test_a_black_hole_is_unknown_within_the_timeout() -> None:
    started = time.monotonic()

    with peer(silent) as url, pytest.raises(OutcomeUnknown):
        next(stream(url, timeout=0.4))

    assert 0.4 <= time.monotonic() - started < 2


def test_a_slow_drip_is_unknown_at_the_deadline() -> None:
    ended: list[float] = []

    def drip(connection: socket.socket) -> None:
        connection.sendall(answer("200 OK", b"x" * 500)[:-500])
        while not ended:
            connection.sendall(b"x")
            time.sleep(0.02)

    with peer(drip) as url:
        started = time.monotonic()
        with pytest.raises(OutcomeUnknown):
            list(stream(url))
        ended.append(time.monotonic() - started)

    assert 1 <= ended[0] < 1.6


@pytest.mark.parametrize("status", ["500 No", "302 Found", "304 Same", "408 Late"])
def test_a_status_that_decides_nothing_is_unknown(status: str) -> None:
    with peer(saying(answer(status))) as url, pytest.raises(OutcomeUnknown):
        next(stream(url))


def test_too_many_requests_was_not_executed_and_says_when() -> None:
    text = answer("429 Slow", headers="Retry-After: 7\r\n")

    with peer(saying(text)) as url, pytest.raises(NotExecuted) as caught:
        next(stream(url))

    assert caught.value.retry_after == 7


def test_a_refusal_is_a_definite_no() -> None:
    with (
        peer(saying(answer("403 No", b"go away"))) as url,
        pytest.raises(DefiniteNo, match="403: go away"),
    ):
        next(stream(url))


def test_the_caller_may_know_better_what_a_refusal_means() -> None:
    def refused(found: Answer) -> None:
        raise NotExecuted(found.text)

    with (
        peer(saying(answer("404 No", b"tomorrow"))) as url,
        pytest.raises(NotExecuted, match="tomorrow"),
    ):
        next(stream(url, refused=refused))
