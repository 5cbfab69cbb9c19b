"""The secrets of endpoints: made by us, stored encrypted, and what is signed with them.

The keys of the encryption follow from `SECRET_KEY`; older ones, in `SECRET_KEY_FALLBACKS`, can
still decrypt.
"""

import base64
import datetime as dt
import secrets
from collections.abc import Sequence
from functools import cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from standardwebhooks import Webhook

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
    return _box().encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str:
    """The secret again; raises `SecretUnreadable`."""
    try:
        return _box().decrypt(sealed).decode()
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


def _box() -> MultiFernet:
    return _box_of((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


@cache
def _box_of(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(_derive(key)) for key in keys])


def _derive(key: str) -> bytes:
    derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=PURPOSE)
    return base64.urlsafe_b64encode(derivation.derive(key.encode()))
