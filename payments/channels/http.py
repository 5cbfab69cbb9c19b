"""One HTTP exchange with a channel: a deadline, a size cap, and an error that says what to do next.

What the network did is one of three things: a definite answer, surely nothing, or unknown. An
exchange of which nobody can say whether it was executed is never called failed.
"""

import http.client
import json
import math
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter

from common.deadlines import Deadline, keep_deadlines, within
from payments.channels.base import DefiniteNo, NotExecuted, OutcomeUnknown

MAX_BYTES = 1 << 20  # no channel's answer about one payment comes near a mebibyte
_PIECE = 16_384  # bytes that are read at once

# Statuses of the 4xx class that don't say whether the request was executed.
_UNDECIDED = frozenset({408, 425, 499})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer of class 2xx or 4xx. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """The body for the record: what is not UTF-8 in it is shown escaped."""
        return self.body.decode("utf-8", "backslashreplace")

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; `OutcomeUnknown` where it is none."""
        try:
            return parse_object(self.body)
        except ValueError as exc:
            raise OutcomeUnknown(f"HTTP {self.status} with an unreadable body: {exc}") from exc

    def required(self) -> "Answer":
        """This answer if it is 2xx; `DefiniteNo` if the channel refused."""
        if self.ok:
            return self
        raise DefiniteNo(f"HTTP {self.status}: {self.text[:200]}")


class HttpClient:
    """Sends requests to one channel; shared by threads, with one session for each of them.

    `timeout` is the total deadline of an exchange in seconds, from connecting to the last byte, and
    holds against a peer that drips. (Resolving a name is the one step that it can't cut short.)
    The environment's proxies and .netrc are ignored: the latter would replace our own credentials.
    """

    def __init__(self, *, timeout: float, connect_timeout: float = 3.05) -> None:
        if not (0 < timeout < math.inf and 0 < connect_timeout < math.inf):
            raise ValueError("timeouts must be positive numbers of seconds")
        self._timeout = timeout
        self._connect_timeout = connect_timeout
        self._local = threading.local()

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout: float | None = None,
        max_bytes: int = MAX_BYTES,
    ) -> Answer:
        """Exchange one request for its whole answer.

        A refused connection, an unknown host and 429 are `NotExecuted`. A timeout after connecting,
        a cut or oversized answer, and any status outside 2xx and 4xx are `OutcomeUnknown`.
        """
        with self._exchange(method, url, headers, body, timeout) as response:
            content = _read(response, max_bytes)
        return _judge(_answer(response, content))

    def stream(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout: float | None = None,
        max_bytes: int = MAX_BYTES,
        refused: Callable[[Answer], object] | None = None,
    ) -> Iterator[bytes]:
        """Exchange one request for the body of its 2xx answer, in pieces as they come.

        Nothing is sent before the first piece is asked for, and the time that the caller takes for
        a piece counts towards `timeout`. Errors are those of `send`, raised at the piece where they
        happen; a refusal (4xx) is shown to `refused`, which may raise what it means, and else is
        `DefiniteNo`.
        """
        with self._exchange(method, url, headers, body, timeout) as response:
            if not 200 <= response.status_code < 300:
                answer = _judge(_answer(response, _read(response, MAX_BYTES)))
                if refused:
                    refused(answer)
                answer.required()
            yield from _pieces(response, max_bytes)

    @contextmanager
    def _exchange(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        body: bytes | None,
        timeout: float | None,
    ) -> Iterator[requests.Response]:
        """An answer of which the head was read; what goes wrong until the end of it is classed."""
        seconds = self._timeout if timeout is None else timeout
        deadline = Deadline(time.monotonic() + seconds)
        try:
            with (
                within(deadline),
                self._session().request(
                    method,
                    url,
                    data=body,
                    headers=dict(headers or {}),
                    timeout=(min(self._connect_timeout, seconds), seconds),
                    stream=True,
                    allow_redirects=False,
                ) as response,
            ):
                yield response
        except (
            requests.RequestException,
            urllib3.exceptions.HTTPError,
            http.client.HTTPException,
            OSError,
        ) as exc:
            raise _classify(exc) from exc

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            session.trust_env = False
            session.headers["Accept-Encoding"] = "identity"
            session.mount("http://", _TimedAdapter())
            session.mount("https://", _TimedAdapter())
            self._local.session = session
        return session


def parse_object(body: bytes) -> dict[str, Any]:
    """Strict JSON: one object, UTF-8, no key twice, no NaN or Infinity; `ValueError` otherwise."""
    try:
        value = json.loads(
            body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant
        )
    except RecursionError as exc:
        raise ValueError("nested too deep") from exc
    if not isinstance(value, dict):
        raise ValueError("not an object")  # noqa: TRY004 - bytes that say something else
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key comes twice")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _judge(answer: Answer) -> Answer:
    if answer.status == 429:
        raise NotExecuted(
            "HTTP 429: too many requests", retry_after=_seconds(answer.headers.get("retry-after"))
        )
    decided = answer.ok or 400 <= answer.status < 500
    if not decided or answer.status in _UNDECIDED:
        raise OutcomeUnknown(f"HTTP {answer.status}: {answer.text[:200]}")
    return answer


def _seconds(header: str | None) -> float | None:
    """Retry-After as seconds; its other form, a date, is left to the caller's own pace."""
    return float(header) if header and re.fullmatch(r"[0-9]{1,6}", header) else None


def _answer(response: requests.Response, content: bytes) -> Answer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(status=response.status_code, headers=headers, body=content)


def _read(response: requests.Response, max_bytes: int) -> bytes:
    return b"".join(_pieces(response, max_bytes))


def _pieces(response: requests.Response, max_bytes: int) -> Iterator[bytes]:
    size = 0
    for piece in response.iter_content(_PIECE):
        size += len(piece)
        if size > max_bytes:
            raise OutcomeUnknown(f"the answer is longer than {max_bytes} bytes")
        yield piece


def _classify(exc: Exception) -> NotExecuted | OutcomeUnknown:
    before_sending = (
        requests.ConnectTimeout,
        requests.exceptions.InvalidURL,
        requests.exceptions.MissingSchema,
        requests.exceptions.InvalidSchema,
        requests.exceptions.InvalidHeader,
    )
    if isinstance(exc, before_sending) or _never_connected(exc):
        return NotExecuted(f"not sent: {exc}")
    return OutcomeUnknown(f"no answer: {exc}")


def _never_connected(exc: Exception) -> bool:
    """Whether urllib3 says that the request never left: refused, unresolved, or not trusted."""
    cause = exc.args[0] if exc.args else None
    reason = getattr(cause, "reason", cause)
    if isinstance(reason, urllib3.exceptions.NewConnectionError):  # refused, or unknown host
        return True
    return "CERTIFICATE_VERIFY_FAILED" in str(exc) and isinstance(exc, requests.exceptions.SSLError)


class _TimedAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        keep_deadlines(self.poolmanager)
