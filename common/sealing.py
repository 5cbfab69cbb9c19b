"""Encryption of what lies in the database and must not be read there.

The keys follow from `SECRET_KEY`; older ones, in `SECRET_KEY_FALLBACKS`, can still open.
"""

import base64
from functools import cache

from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


def box(purpose: bytes) -> MultiFernet:
    """What seals and opens; one purpose can't open what another has sealed."""
    return _box_of(purpose, (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


@cache
def _box_of(purpose: bytes, keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(_derive(purpose, key)) for key in keys])


def _derive(purpose: bytes, key: str) -> bytes:
    derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose)
    return base64.urlsafe_b64encode(derivation.derive(key.encode()))
