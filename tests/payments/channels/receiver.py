"""A shop's callback address: takes callbacks, answers as it is told, and remembers them."""

import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Received:
    """One request as it came; header names in lower case."""

    headers: dict[str, str]
    body: bytes
    at: float


class Receiver:
    """Listens on a free port of loopback. `answers` are used up first; then it says 200."""

    def __init__(self, port: int = 0) -> None:
        self.received: list[Received] = []
        self.answers: list[int] = []
        self._news = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}/callback"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> "Receiver":
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def wait_for(self, count: int, *, timeout: float = 5.0) -> list[Received]:
        """The callbacks so far, as soon as there are `count`; fails when they don't come."""
        with self._news:
            came = self._news.wait_for(lambda: len(self.received) >= count, timeout)
            assert came, f"{len(self.received)} of {count} callbacks in {timeout} s"
            return list(self.received)

    def _take(self, request: BaseHTTPRequestHandler) -> int:
        body = request.rfile.read(int(request.headers["content-length"]))
        headers = {name.lower(): value for name, value in request.headers.items()}
        with self._news:
            self.received.append(Received(headers, body, time.time()))
            self._news.notify_all()
            return self.answers.pop(0) if self.answers else 200

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                status = receiver._take(self)
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        return Handler
