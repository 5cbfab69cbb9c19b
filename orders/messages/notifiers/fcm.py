"""Android (and whatever else Firebase Cloud Messaging reaches), by its HTTP v1 API."""

import json
import threading
import time
from pathlib import Path
from typing import Any

import requests
from google.auth.transport.requests import Request
from google.oauth2.service_account import Credentials

from orders.messages.notifiers.base import SECONDS, TTL, Answer, Letter, Result, by_status

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
TIMEOUT = (3.05, SECONDS - 3.05)  # to connect, to answer
# The token is none (any more), or belongs to another project: it will never be ours.
NEVER_OURS = {"UNREGISTERED", "SENDER_ID_MISMATCH"}


class FcmNotifier:
    """`credentials` is the JSON of a service account, or its file; `url` has no path."""

    def __init__(self, *, credentials: str, url: str = "https://fcm.googleapis.com") -> None:
        given = credentials.lstrip().startswith("{")
        account = json.loads(credentials if given else Path(credentials).read_text())
        from_account = Credentials.from_service_account_info
        self._credentials = from_account(account, scopes=[SCOPE])  # type: ignore[no-untyped-call]
        self._url = f"{url}/v1/projects/{account['project_id']}/messages:send"
        self._refreshing = threading.Lock()
        self._no_token_until = 0.0  # of the monotonic clock
        self._local = threading.local()

    def send(self, letter: Letter) -> Answer:
        """One try."""
        session = self._session()
        answer = session.post(
            self._url,
            json={"message": _message(letter)},
            headers={"Authorization": f"Bearer {self._token(session)}"},
            timeout=TIMEOUT,
            allow_redirects=False,
        )
        return _judge(answer)

    def _token(self, session: requests.Session) -> str:
        """One letter at a time asks for it, and those behind one that got none don't ask again."""
        with self._refreshing:
            if not self._credentials.valid:
                if time.monotonic() < self._no_token_until:
                    raise TimeoutError("Google gave no token a moment ago")
                self._refresh(session)
            return str(self._credentials.token)

    def _refresh(self, session: requests.Session) -> None:
        try:
            self._credentials.refresh(_InTime(session))
        except Exception:
            self._no_token_until = time.monotonic() + SECONDS
            raise

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
        return session


class _InTime(Request):
    """Google's own default is two minutes."""

    def __call__(self, *args: Any, **more: Any) -> Any:
        return super().__call__(*args, **more | {"timeout": SECONDS})  # type: ignore[no-untyped-call]


def _message(letter: Letter) -> dict[str, Any]:
    """A later one of the same order replaces an earlier one on the phone."""
    return {
        "token": letter.to,
        "notification": {"title": letter.title, "body": letter.body},
        "data": letter.data,
        "android": {
            "priority": "high",
            "ttl": f"{TTL}s",
            "collapse_key": letter.order_no,
            "notification": {"tag": letter.order_no},
        },
    }


def _judge(answer: requests.Response) -> Answer:
    code, says_token = _error(answer)
    told = f"HTTP {answer.status_code} {code}".strip()
    if code in NEVER_OURS or says_token:
        return Answer(result=Result.GONE, text=told)
    if answer.status_code == 404:  # not the token's fault: no such project
        return Answer(result=Result.AGAIN, text=told)
    return by_status(answer.status_code, code, answer.headers)


def _error(answer: requests.Response) -> tuple[str, bool]:
    """FCM's own code of the error, and whether it names the token as what is wrong."""
    if answer.ok:
        return "", False
    try:
        error = answer.json()["error"]
        details = error.get("details", [])
        codes = [each["errorCode"] for each in details if "errorCode" in each]
        wrong = [
            violation.get("field")
            for each in details
            for violation in each.get("fieldViolations", [])
        ]
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", False
    return (codes or [str(error.get("status", ""))])[0], "message.token" in wrong
