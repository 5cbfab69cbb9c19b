"""Who may see an order, besides its owner: whoever holds its token. It is derived, never stored.

The **order token** opens one order for as long as it exists: apps send it in a header. The **link
key** does so for a day: it travels through a wallet's redirect, and so through other people's logs.
"""

from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner
from django.utils.crypto import constant_time_compare, salted_hmac

LINK_SECONDS = 24 * 3600

_SALT = "shop.order-token"
_links = TimestampSigner(salt="shop.order-link")


def order_token(order_no: str) -> str:
    """The token that opens this order: 64 hexadecimal digits."""
    return _token(order_no, settings.SECRET_KEY)


def is_order_token(token: str, *, order_no: str) -> bool:
    """Whether `token` opens this order; compared in constant time, old secret keys included."""
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return any(constant_time_compare(token, _token(order_no, secret)) for secret in secrets)


def link_key(order_no: str) -> str:
    """What a link carries so that its reader may see this order for a day."""
    return _links.sign(order_no).removeprefix(order_no + _links.sep)


def order_link(order_no: str) -> str:
    """The address of an order's page that opens it on any device, for a day."""
    return f"{settings.PUBLIC_URL}/orders/{order_no}/back/?key={link_key(order_no)}"


def is_link_key(key: str, *, order_no: str) -> bool:
    try:
        _links.unsign(f"{order_no}{_links.sep}{key}", max_age=LINK_SECONDS)
    except BadSignature:
        return False
    return True


def _token(order_no: str, secret: str | bytes) -> str:
    return salted_hmac(_SALT, order_no, secret=secret, algorithm="sha256").hexdigest()
