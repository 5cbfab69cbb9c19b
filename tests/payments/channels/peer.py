"""A channel of a few bytes: it says what the test wants, in the way the test wants."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Behaviour = Callable[[socket.socket], None]


@contextmanager
def peer(behave: Behaviour) -> Iterator[str]:
    """A server that reads one request and then behaves as given; its address."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, suppress(ConnectionError):
            connection.recv(65536)
            behave(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        thread.join()
        listener.close()


def saying(text: bytes) -> Behaviour:
    """Say these bytes, and leave."""
    return lambda connection: connection.sendall(text)


def silent(connection: socket.socket) -> None:
    """Say nothing, until the caller has left."""
    connection.recv(1)


def answer(status: str, body: bytes = b"", headers: str = "") -> bytes:
    """The bytes of a whole HTTP answer."""
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body
