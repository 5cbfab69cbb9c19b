"""Browsers, by the push service that their maker runs. The text is encrypted for the browser.

The address is one that a client gave us: it is reached as carefully as those of endpoints.
"""

import base64
import json
import time
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid
from pywebpush import WebPushException, webpush

from orders.deliveries.posting import send
from orders.messages.notifiers.base import SECONDS, TTL, Answer, Letter, Result, by_status


class WebNotifier:
    """`private_key` is the VAPID key (base64url or PEM), `subject` a mailto: or https: of ours."""

    def __init__(self, *, private_key: str, subject: str) -> None:
        pem = private_key.encode() if "-----BEGIN" in private_key else b""
        self._key = Vapid.from_pem(pem) if pem else Vapid.from_string(private_key)
        self._subject = subject

    @property
    def public_key(self) -> str:
        """What a page hands to `pushManager.subscribe` as `applicationServerKey`."""
        point = self._key.public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return base64.urlsafe_b64encode(point).rstrip(b"=").decode()

    def send(self, letter: Letter) -> Answer:
        """One try."""
        door = _Door(time.monotonic() + SECONDS)
        try:
            answer = webpush(
                {"endpoint": letter.to, "keys": dict(letter.keys)},
                json.dumps(letter.data | {"title": letter.title, "body": letter.body}),
                vapid_private_key=self._key,
                vapid_claims={"sub": self._subject},
                ttl=TTL,
                headers={"Urgency": "high", "Topic": letter.order_no},
                requests_session=door,
            )
        except WebPushException as error:
            if error.response is None:
                return Answer(result=Result.REFUSED, text=str(error)[:200])
            answer = error.response
        return by_status(answer.status_code, answer.text, answer.headers)


class _Door:
    """What the library takes for a session."""

    def __init__(self, ends_at: float) -> None:
        self._ends_at = ends_at

    def post(self, url: str, *, data: bytes, headers: Mapping[str, Any], **_more: Any) -> Any:
        texts = {name: str(value) for name, value in headers.items()}
        reply = send(url, body=data, headers=texts, ends_at=self._ends_at)
        headers = {name.lower(): value for name, value in reply.headers.items()}
        return SimpleNamespace(
            status_code=reply.status, reason="", text=reply.text, headers=headers
        )
