"""The secrets of endpoints: made by us, stored encrypted, and what is signed with them."""

import base64
import datetime as dt
import secrets
from collections.abc import Sequence

from cryptography.fernet import InvalidToken
from standardwebhooks import Webhook

from common.sealing import box

PURPOSE = b"nodrop: secrets of endpoints"


class SecretUnreadable(Exception):
    """The endpoint's secret was encrypted under a SECRET_KEY that is not known any more."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


def new_secret() -> str:
    """A new signing secret, in the form that Standard Webhooks gives it."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"


def seal(secret: str) -> str:
    """The secret, encrypted."""
    return box(PURPOSE).encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str:
    """The secret again; raises `SecretUnreadable`."""
    try:
        return box(PURPOSE).decrypt(sealed).decode()
    except InvalidToken:
        raise SecretUnreadable from None


def signed_headers(
    *, sealed: Sequence[str], message_id: str, body: str, at: dt.datetime
) -> dict[str, str]:
    """The headers of Standard Webhooks, signed with each secret. Raises `SecretUnreadable`."""
    signatures = [
        Webhook(unseal(one)).sign(msg_id=message_id, timestamp=at.astimezone(dt.UTC), data=body)
        for one in sealed
    ]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
