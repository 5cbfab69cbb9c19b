"""Who has seen how an order ended needs no e-mail about it.

It stands in the cache, which may lose it: then somebody is told what she knows already. The other
way round she would never hear of it.
"""

import structlog
from django.core.cache import cache

log = structlog.get_logger(__name__)

KEPT = 24 * 3600  # seconds: longer than any e-mail waits


def note_seen(*, order_no: str, version: int) -> None:
    """The order's shopper has been shown it as of this version. Never raises."""
    try:
        cache.set(_key(order_no), version, timeout=KEPT)
    except Exception as error:  # noqa: BLE001  (whatever the cache's trouble, she was shown it)
        log.warning("cache_unavailable", error=repr(error))


def was_seen(*, order_no: str, version: int) -> bool:
    """Whether its shopper has been shown this version of it, or a later one."""
    try:
        return bool(cache.get(_key(order_no), 0) >= version)
    except Exception as error:  # noqa: BLE001  (better told twice than never)
        log.warning("cache_unavailable", error=repr(error))
        return False


def _key(order_no: str) -> str:
    return f"seen:{order_no}"
