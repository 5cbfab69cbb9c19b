"""One try to deliver, over HTTP. Runs in a thread, and touches no database."""

import datetime as dt
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import requests
import urllib3
from django.conf import settings
from requests.adapters import HTTPAdapter
from requests_hardened import Config, HTTPSession
from requests_hardened.ip_filter import InvalidIPAddress
from requests_hardened.ip_filter_adapter import IPFilterAdapter
from urllib3.util.ssl_match_hostname import CertificateError

from common.deadlines import Deadline, keep_deadlines, within
from orders.deliveries.addresses import PrivateAddress, RefusedUrl, check_url, refuse_private
from orders.signing import SecretUnreadable, signed_headers

CONNECT_SECONDS = 3.05
SECONDS_FOR_BODY = 1.0  # the status has decided: what the receiver says besides is a courtesy
BODY_BYTES = 1024
LENGTH = 200  # of the answer that is kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """What is to be sent: `sealed` secrets sign it, `at` is the time that is signed."""

    url: str
    message_id: str
    body: str
    sealed: tuple[str, ...]
    at: dt.datetime
    ends_at: float  # on the monotonic clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a try: `answer` is for the operator, `status` None when nobody answered."""

    status: int | None
    answer: str
    seconds: float

    @property
    def delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def post(parcel: Parcel) -> Outcome:
    """Send it once, and say what came of it; never raises."""
    started = time.monotonic()
    try:
        status, answer = _exchange(parcel)
    except Exception as error:  # noqa: BLE001  (whatever it was, the receiver has not confirmed)
        status, answer = None, why_no_answer(error)
    seconds = round(time.monotonic() - started, 3)
    return Outcome(status=status, answer=answer[:LENGTH], seconds=seconds)


def _exchange(parcel: Parcel) -> tuple[int, str]:
    headers = signed_headers(
        sealed=parcel.sealed, message_id=parcel.message_id, body=parcel.body, at=parcel.at
    )
    reply = send(
        parcel.url,
        body=parcel.body.encode(),
        headers=headers | {"Content-Type": "application/json"},
        ends_at=parcel.ends_at,
    )
    return reply.status, f"HTTP {reply.status} {reply.text}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the other side said: the beginning of its body, as far as that can be printed."""

    status: int
    headers: Mapping[str, str]
    text: str


def send(url: str, *, body: bytes, headers: Mapping[str, str], ends_at: float) -> Reply:
    """Post to an address that others have chosen: only where `check_url` and `addresses` allow.

    Until `ends_at` on the monotonic clock at the latest. Raises `RefusedUrl`, or what requests and
    urllib3 raise.
    """
    check_url(url)
    deadline = Deadline(ends_at)
    with within(deadline), _session() as session:
        response = session.post(
            url,
            data=body,
            headers=dict(headers),
            timeout=(min(CONNECT_SECONDS, deadline.left), deadline.left),
            stream=True,
        )
        with response:
            deadline.shorten(SECONDS_FOR_BODY)
            text = _printable(b"".join(_body(response.raw)))
            return Reply(status=response.status_code, headers=response.headers, text=text)


def _session() -> requests.Session:
    """For one exchange: no redirects, nothing from the environment, no cookies kept."""
    public_only = not settings.NOTIFY_PRIVATE
    session: requests.Session = HTTPSession(
        Config(
            ip_filter_enable=public_only,
            ip_filter_allow_loopback_ips=False,
            never_redirect=True,
            default_timeout=(CONNECT_SECONDS, CONNECT_SECONDS),
            user_agent_override="Nodrop",
        )
    )
    session.trust_env = False  # its proxies would connect for us, wherever the host leads
    session.headers.update({"Accept-Encoding": "identity", "Connection": "close"})
    for secure in (False, True):
        adapter = _PublicAdapter(secure=secure) if public_only else _Adapter()
        session.mount("https://" if secure else "http://", adapter)
    return session


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        keep_deadlines(self.poolmanager)


class _PublicAdapter(_Adapter, IPFilterAdapter):
    """Connects to the address that was judged, and judges every address of the host."""

    def __init__(self, *, secure: bool) -> None:
        IPFilterAdapter.__init__(self, is_https_proto=secure)

    def build_connection_pool_key_attributes(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        parts = urllib3.util.parse_url(request.url)
        refuse_private((parts.host or "").strip("[]"), parts.port or 443)
        return super().build_connection_pool_key_attributes(request, *args, **kwargs)


def _body(raw: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    """The first bytes of the body, as far as they come in time."""
    left = BODY_BYTES
    try:
        while left > 0 and (part := raw.read1(left, decode_content=False)):
            yield part
            left -= len(part)
    except (urllib3.exceptions.HTTPError, OSError, ValueError):
        return


def _printable(body: bytes) -> str:
    text = body.decode("utf-8", "replace")
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def why_no_answer(error: Exception) -> str:
    """Why there was no answer, without the URL: its path may be a secret of the receiver's."""
    if isinstance(error, RefusedUrl | PrivateAddress | SecretUnreadable):
        return str(error)
    causes = list(_causes(error))
    told = [text for cause in reversed(causes) if (text := _said_by(cause))]
    return told[0] if told else f"no answer: {type(causes[-1]).__name__}"


def _said_by(cause: BaseException) -> str:
    match cause:
        case InvalidIPAddress():
            return "the host leads to a private address"
        case ssl.SSLError():
            return f"no secure connection: {cause.reason or 'TLS failed'}"
        case CertificateError():
            return "no secure connection: the certificate is another host's"
        case TimeoutError():
            return "no answer in time"
        case OSError() if cause.strerror:
            return f"no connection: {cause.strerror}"
        case _:
            return ""


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and what it came from, inwards."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
