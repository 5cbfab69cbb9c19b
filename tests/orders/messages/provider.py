"""Providers of push on loopback: they answer as they are told, and remember what they were sent."""

import json
import socket
import ssl
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import h2.config
import h2.connection
import h2.events


@dataclass(frozen=True)
class Request:
    """One request as it came; header names in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Says:
    """An answer. `silent` is none at all."""

    status: int = 200
    body: object = ""
    headers: Mapping[str, str] | None = None
    silent: bool = False

    @property
    def content(self) -> bytes:
        text = self.body if isinstance(self.body, str) else json.dumps(self.body)
        return text.encode()


class Provider:
    """HTTP/1.1 on a free port. `script` is used up first; then it says `always`."""

    def __init__(self) -> None:
        self.always = Says()
        self.script: deque[Says] = deque()
        self.requests: list[Request] = []
        self._left = threading.Event()
        self._lock = threading.Lock()

    def answer(self, request: Request) -> Says:
        with self._lock:
            self.requests.append(request)
            says = self.script.popleft() if self.script else self.always
        if says.silent:
            self._left.wait(30)
        return says

    def __enter__(self) -> "Provider":
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._left.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                says = provider.answer(Request(self.path, headers, body))
                if says.silent:
                    return
                self.send_response(says.status)
                for name, value in (says.headers or {}).items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(says.content)))
                self.end_headers()
                self.wfile.write(says.content)

            def log_message(self, *args: object) -> None:
                pass

        return Handler


class Http2Provider(Provider):
    """HTTP/2 over TLS, as Apple speaks it: one thread a connection."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        super().__init__()
        tls.set_alpn_protocols(["h2"])
        self._tls = tls
        self._connections: list[socket.socket] = []

    def __enter__(self) -> "Http2Provider":
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://localhost:{self._listening.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._left.set()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for connection in self._connections:
            connection.close()
        self._thread.join()

    def _accept(self) -> None:
        while not self._left.is_set():
            try:
                plain, _ = self._listening.accept()
            except OSError:
                return
            try:
                connection = self._tls.wrap_socket(plain, server_side=True)
            except OSError:  # who doesn't trust us leaves
                plain.close()
                continue
            self._connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        talk = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        talk.initiate_connection()
        headers: dict[int, dict[str, str]] = {}
        bodies: dict[int, bytes] = {}
        try:
            connection.sendall(talk.data_to_send())
            while data := connection.recv(65536):
                for event in talk.receive_data(data):
                    if isinstance(event, h2.events.RequestReceived):
                        pairs = [(_text(name), _text(value)) for name, value in event.headers]
                        headers[event.stream_id], bodies[event.stream_id] = dict(pairs), b""
                    elif isinstance(event, h2.events.DataReceived):
                        bodies[event.stream_id] += event.data
                    elif isinstance(event, h2.events.StreamEnded):
                        number = event.stream_id
                        self._reply(talk, number, headers[number], bodies[number])
                connection.sendall(talk.data_to_send())
        except (OSError, ValueError):
            return

    def _reply(
        self,
        talk: h2.connection.H2Connection,
        number: int,
        headers: dict[str, str],
        body: bytes,
    ) -> None:
        says = self.answer(Request(headers[":path"], headers, body))
        if says.silent:
            return
        told = [(":status", str(says.status)), *(says.headers or {}).items()]
        talk.send_headers(number, told)
        talk.send_data(number, says.content, end_stream=True)


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
