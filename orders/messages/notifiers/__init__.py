"""The ways to a shopper, built once from `settings.NOTIFIERS`.

NOTIFIERS = {"fcm": {"CLASS": "dotted.path", "OPTIONS": {…}}, …}, by `orders.states.Via`.
"""

import threading
from typing import Any, cast

from django.conf import settings
from django.utils.module_loading import import_string

from orders.messages.notifiers.base import Answer, Letter, Notifier, Result

__all__ = ["Answer", "Letter", "Notifier", "Result", "get_notifier"]

_built: dict[str, tuple[Any, Notifier]] = {}
_building = threading.Lock()


def get_notifier(via: str) -> Notifier:
    """The one instance of a configured notifier. Raises `LookupError`."""
    config: dict[str, Any] = settings.NOTIFIERS[via]
    with _building:
        known = _built.get(via)
        if known is None or known[0] is not config:  # settings overridden in tests
            notifier = import_string(config["CLASS"])(**config.get("OPTIONS", {}))
            known = _built[via] = (config, cast("Notifier", notifier))
    return known[1]
