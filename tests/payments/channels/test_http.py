"""What each kind of network trouble is called."""

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from payments.channels.base import DefiniteNo, NotExecuted, OutcomeUnknown
from payments.channels.http import Answer, HttpClient, parse_object
from tests.orders.certificates import certificate_for, serving
from tests.payments.channels.peer import answer, peer, saying, silent


def get(url: str, *, timeout: float = 1.0, max_bytes: int = 1000) -> Answer:
    return HttpClient(timeout=timeout).send("GET", url, max_bytes=max_bytes)


def test_a_whole_answer_is_given_back() -> None:
    with peer(saying(answer("200 OK", b'{"a": 1}', "X-Name: v\r\n"))) as url:
        found = get(url)

    assert (found.status, found.json(), found.headers["x-name"]) == (200, {"a": 1}, "v")


def test_a_refused_connection_was_not_executed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]

    with pytest.raises(NotExecuted):
        get(f"http://127.0.0.1:{port}/")


def test_an_unknown_host_was_not_executed() -> None:
    with pytest.raises(NotExecuted):
        get("http://no-such-host.invalid/")


def test_a_certificate_that_nobody_vouches_for_was_not_executed(tmp_path: Path) -> None:
    context = serving(certificate_for("wallet.test", tmp_path))

    def shake_hands(connection: socket.socket) -> None:
        with suppress(ssl.SSLError):
            context.wrap_socket(connection, server_side=True).close()

    with listening(shake_hands) as port, pytest.raises(NotExecuted):
        get(f"https://127.0.0.1:{port}/")


def test_a_peer_that_speaks_no_tls_is_unknown() -> None:
    with peer(saying(answer("200 OK", b"{}"))) as url, pytest.raises(OutcomeUnknown):
        get(url.replace("http:", "https:"))


@contextmanager
def listening(behave: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server that reads nothing before it behaves as given; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                behave(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def test_a_connection_that_nobody_takes_was_not_executed() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)

        started = time.monotonic()
        with pytest.raises(NotExecuted):
            get(f"http://127.0.0.1:{address[1]}/", timeout=0.5)
        assert time.monotonic() - started < 2

        for filler in fillers:
            filler.close()


def test_an_address_that_is_none_was_not_executed() -> None:
    with pytest.raises(NotExecuted):
        get("nonsense")


def test_a_black_hole_is_unknown_within_the_timeout() -> None:
    started = time.monotonic()

    with peer(silent) as url, pytest.raises(OutcomeUnknown):
        get(url, timeout=0.4)

    assert 0.4 <= time.monotonic() - started < 2


def test_a_reset_in_the_middle_of_an_answer_is_unknown() -> None:
    def reset(connection: socket.socket) -> None:
        connection.sendall(answer("200 OK", b"x" * 100)[:-50])
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with peer(reset) as url, pytest.raises(OutcomeUnknown):
        get(url)


def test_an_answer_shorter_than_it_promised_is_unknown() -> None:
    with peer(saying(answer("200 OK", b'{"a": 1}   ')[:-3])) as url, pytest.raises(OutcomeUnknown):
        get(url)


@pytest.mark.parametrize(
    "promise",
    [b"HTTP/1.1 200 OK\r\nX-Slow: ", answer("200 OK", b"x" * 500)[:-500]],
    ids=["header", "body"],
)
@pytest.mark.parametrize("pause", [0.02, 0.9])
def test_a_slow_drip_is_unknown_at_the_deadline(promise: bytes, pause: float) -> None:
    ended: list[float] = []

    def drip(connection: socket.socket) -> None:
        connection.sendall(promise)
        while not ended:
            connection.sendall(b"x")
            time.sleep(pause)

    with peer(drip) as url:
        started = time.monotonic()
        with pytest.raises(OutcomeUnknown):
            get(url, timeout=1)
        ended.append(time.monotonic() - started)

    assert 1 <= ended[0] < 1.6


def test_an_answer_longer_than_the_cap_is_unknown() -> None:
    with peer(saying(answer("200 OK", b"x" * 1001))) as url, pytest.raises(OutcomeUnknown):
        get(url, max_bytes=1000)


@pytest.mark.parametrize(
    "status", ["500 No", "503 No", "302 Found", "304 Same", "408 Late", "425 Early"]
)
def test_a_status_that_decides_nothing_is_unknown(status: str) -> None:
    with peer(saying(answer(status))) as url, pytest.raises(OutcomeUnknown):
        get(url)


def test_bytes_that_are_not_http_are_unknown() -> None:
    with peer(saying(b"220 smtp ready\r\n")) as url, pytest.raises(OutcomeUnknown):
        get(url)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("Retry-After: 7\r\n", 7.0),
        ("", None),
        ("Retry-After: soon\r\n", None),
        ("Retry-After: ²\r\n", None),
    ],
)
def test_too_many_requests_was_not_executed_and_says_when(
    header: str, seconds: float | None
) -> None:
    text = f"HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n{header}\r\n".encode("latin-1")

    with peer(saying(text)) as url, pytest.raises(NotExecuted) as caught:
        get(url)

    assert caught.value.retry_after == seconds


def test_a_refusal_is_an_answer_and_a_definite_no_where_success_is_required() -> None:
    with peer(saying(answer("422 No", b'{"error": "x"}'))) as url:
        refusal = get(url)

    assert refusal.json() == {"error": "x"}
    with pytest.raises(DefiniteNo, match="422"):
        refusal.required()


def test_the_environments_proxy_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    with peer(saying(answer("200 OK"))) as url:
        assert get(url).ok


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"[]", b"1", b"nul", b'{"a": NaN}', b'{"a": Infinity}', b'{"a": 1, "a": 2}'),
        *(b"\xff{}", b"[" * 100_000, b'{"a": ' * 100_000, b'{"a": ' + b"9" * 5000 + b"}"),
    ],
    ids=range(11),
)
def test_json_that_is_not_strict_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - json's own errors are of this kind too
        parse_object(body)


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf")])
def test_a_timeout_that_is_none_is_refused(timeout: float) -> None:
    with pytest.raises(ValueError, match="timeouts"):
        HttpClient(timeout=timeout)
