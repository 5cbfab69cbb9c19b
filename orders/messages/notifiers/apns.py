"""iOS, by Apple's push notification service: HTTP/2, and a token that we sign ourselves."""

import ssl
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import httpx
import jwt

from orders.messages.notifiers.base import SECONDS, TTL, Answer, Letter, Result, by_status

TOKEN_LIFE = 40 * 60  # seconds: Apple wants 20 to 60 minutes
# The device has no such app any more, or the token was never this app's.
NEVER_OURS = {"BadDeviceToken", "Unregistered", "DeviceTokenNotForTopic", "ExpiredToken"}
STALE_TOKEN = {"ExpiredProviderToken", "InvalidProviderToken"}


class ApnsNotifier:
    """`key` is the .p8 key's text or its file, `topic` the app's bundle id."""

    def __init__(
        self,
        *,
        key: str,
        key_id: str,
        team_id: str,
        topic: str,
        url: str = "https://api.push.apple.com",
        ca_file: str = "",
    ) -> None:
        self._key = key if "-----BEGIN" in key else Path(key).read_text()
        self._key_id, self._team_id, self._topic = key_id, team_id, topic
        self._token, self._signed_at = "", 0.0
        self._signing = threading.Lock()
        self._client = httpx.Client(
            http2=True,
            base_url=url,
            timeout=httpx.Timeout(SECONDS / 2, connect=3.05),
            verify=_trusting(ca_file),
            trust_env=False,
        )
        self._bearer()  # a key that is none stops the start

    def send(self, letter: Letter) -> Answer:
        """One try."""
        answer = self._client.post(
            f"/3/device/{letter.to}",
            json=_payload(letter),
            headers={
                "authorization": f"bearer {self._bearer()}",
                "apns-topic": self._topic,
                "apns-push-type": "alert",
                "apns-priority": "10",
                "apns-expiration": str(int(time.time()) + TTL),
                "apns-collapse-id": letter.order_no,
                # The same on every try, as Apple wants it: a UUID.
                "apns-id": str(uuid.uuid5(uuid.NAMESPACE_OID, letter.message_no)),
            },
        )
        return self._judge(answer)

    def _bearer(self) -> str:
        """Apple refuses who signs anew with each request."""
        with self._signing:
            if time.time() - self._signed_at > TOKEN_LIFE:
                self._signed_at = time.time()
                claims = {"iss": self._team_id, "iat": int(self._signed_at)}
                headers = {"kid": self._key_id}
                self._token = jwt.encode(claims, self._key, algorithm="ES256", headers=headers)
            return self._token

    def _judge(self, answer: httpx.Response) -> Answer:
        reason = _reason(answer)
        if reason in NEVER_OURS or answer.status_code == 410:
            return Answer(result=Result.GONE, text=f"HTTP {answer.status_code} {reason}")
        if reason in STALE_TOKEN:
            self._signed_at = 0.0
        if answer.status_code == 404:  # BadPath: our fault, and not the device's
            return Answer(result=Result.REFUSED, text=f"HTTP 404 {reason}")
        return by_status(answer.status_code, reason, answer.headers)


def _payload(letter: Letter) -> dict[str, Any]:
    alert = {"title": letter.title, "body": letter.body}
    return {"aps": {"alert": alert, "sound": "default"}, "order": letter.data}


def _reason(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["reason"])[:100]
    except (ValueError, KeyError, TypeError):
        return ""


def _trusting(ca_file: str) -> ssl.SSLContext | bool:
    return ssl.create_default_context(cafile=ca_file) if ca_file else True
