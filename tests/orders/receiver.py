"""A system that fulfils orders: takes notifications, answers as it is told, remembers them."""

import json
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Received:
    """One request as it came; header names in lower case."""

    headers: dict[str, str]
    body: bytes

    @property
    def message_id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def data(self) -> dict:
        return json.loads(self.body)["data"]


Behaviour = Callable[[BaseHTTPRequestHandler, Received], None]


class Receiver:
    """Listens on a free port of loopback. `behaviours` are used up first; then it does `always`."""

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self.always: Behaviour = answering(200)
        self.behaviours: list[Behaviour] = []
        self.received: list[Received] = []
        self.at_once = 0  # most requests of one message id that it had open at the same time
        self.leaving = threading.Event()
        self._open: dict[str, int] = {}
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> "Receiver":
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.leaving.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def ids(self) -> list[str]:
        with self._lock:
            return [each.message_id for each in self.received]

    def _take(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers["content-length"]))
        headers = {name.lower(): value for name, value in request.headers.items()}
        received = Received(headers, body)
        behave = self._begin(received)
        try:
            behave(request, received)
        except ConnectionError:
            pass  # the sender has left
        finally:
            with self._lock:
                self._open[received.message_id] -= 1

    def _begin(self, received: Received) -> Behaviour:
        with self._lock:
            self.received.append(received)
            open_now = self._open.get(received.message_id, 0) + 1
            self._open[received.message_id] = open_now
            self.at_once = max(self.at_once, open_now)
            return self.behaviours.pop(0) if self.behaviours else self.always

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver._take(self)

            def do_GET(self) -> None:
                receiver.received.append(Received({"webhook-id": "GET"}, b""))
                answering(200)(self, receiver.received[-1])

            def log_message(self, *args: object) -> None:
                pass

        return Handler

    def hanging(self, request: BaseHTTPRequestHandler, received: Received) -> None:
        """Say nothing, until this receiver leaves."""
        self.leaving.wait(30)

    def dripping(self, request: BaseHTTPRequestHandler, received: Received) -> None:
        """Send a header that never ends: each byte comes long before any timeout of a socket."""
        request.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while not self.leaving.wait(0.05):
            request.wfile.write(b"x")


class _Server(ThreadingHTTPServer):
    request_queue_size = 256

    def handle_error(self, *args: object) -> None:
        pass  # a sender that leaves early is what some tests are about


def answering(status: int, body: bytes = b"", **headers: str) -> Behaviour:
    """Answer at once; underscores in header names stand for hyphens."""

    def behave(request: BaseHTTPRequestHandler, received: Received) -> None:
        request.send_response(status)
        request.send_header("content-length", str(len(body)))
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(body)

    return behave


def slowly(seconds: float) -> Behaviour:
    """Answer 200 after a while."""

    def behave(request: BaseHTTPRequestHandler, received: Received) -> None:
        time.sleep(seconds)
        answering(200)(request, received)

    return behave
