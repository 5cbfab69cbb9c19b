"""HTTP with a deadline for the whole exchange, which holds against a peer that drips.

The timeouts of a socket begin anew with each byte. Here each read has no more patience than is left
of the exchange. (Resolving a name is the one step that nothing here can cut short.)
"""

import http.client
import io
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

_running = threading.local()  # the deadline of the exchange that this thread is in


class Deadline:
    """The end of an exchange, on the monotonic clock."""

    def __init__(self, ends_at: float) -> None:
        self._ends_at = ends_at

    @property
    def left(self) -> float:
        """Seconds that are left; raises `TimeoutError` when none are."""
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline of the exchange has passed")
        return left

    def shorten(self, seconds: float) -> None:
        """Allow no more than `seconds` from now."""
        self._ends_at = min(self._ends_at, time.monotonic() + seconds)


@contextmanager
def within(deadline: Deadline) -> Iterator[None]:
    """Exchanges that this thread begins inside are held to this deadline."""
    before = getattr(_running, "deadline", None)
    _running.deadline = deadline
    try:
        yield
    finally:
        _running.deadline = before


def keep_deadlines(manager: PoolManager) -> None:
    """Have the connections of this manager keep the deadline of the exchange they are used in."""
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}


class _Reader(io.RawIOBase):
    """Reads a socket, each time with no more patience than is left."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._sock = sock
        # The real file object: it keeps the socket open until the body was read.
        self._raw = sock.makefile("rb", buffering=0)
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._deadline.left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = io.BufferedReader(_Reader(sock, _running.deadline))


def _what_is_left(timeout: Any) -> float:
    """The patience with connecting: none when a name server took all of the time."""
    left: float = _running.deadline.left
    return min(timeout, left) if isinstance(timeout, int | float) else left


class _Connection(HTTPConnection):
    response_class = _Response

    def connect(self) -> None:
        self.timeout = _what_is_left(self.timeout)
        super().connect()


class _SecureConnection(HTTPSConnection):
    response_class = _Response

    def connect(self) -> None:
        self.timeout = _what_is_left(self.timeout)
        super().connect()


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection
