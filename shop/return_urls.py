"""Where a wallet may send a shopper back to.

Only to ourselves and to origins that the shop has named (`NODROP_RETURN_ORIGINS`): right after a
true payment, a page that says "that failed, pay here" would be believed.
"""

import re
from urllib.parse import urlsplit

from django.conf import settings

_PRINTABLE = re.compile(r"[\x21-\x7e]+")  # all else is percent-encoded in a URL


class BadReturnUrl(ValueError):
    """The shopper can't be sent there."""


def check_return_url(url: str) -> str:
    """The URL itself, if its origin is ours or configured. Raises `BadReturnUrl`."""
    allowed = [_origin(settings.PUBLIC_URL), *settings.RETURN_ORIGINS]
    if _origin(url) not in allowed:
        raise BadReturnUrl(
            f"The return URL must begin with one of: {', '.join(allowed)}, and be percent-encoded. "
            "The shop's operator adds others with NODROP_RETURN_ORIGINS."
        )
    return url


def _origin(url: str) -> str:
    """Scheme, host and port; empty for what a browser may read differently from us."""
    if not _PRINTABLE.fullmatch(url) or any(mark in url.partition("?")[0] for mark in "\\@"):
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}".lower() if parts.scheme and parts.netloc else ""
