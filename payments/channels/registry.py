"""The configured channels, built once from `settings.NODROP_CHANNELS`.

NODROP_CHANNELS = {"sandbox": {"CLASS": "dotted.path", "LABEL": "…", "OPTIONS": {…},
                               "CONSULT_SCHEDULE": (10, 30, …), "QUERY_BUDGET": "50/second"}}
"""

import threading
from functools import cache
from typing import Any, cast

from django.conf import settings
from django.utils.module_loading import import_string
from limits import RateLimitItem, parse

from payments.channels.base import Channel

_built: dict[str, tuple[Any, Channel]] = {}
_building = threading.Lock()


class UnknownChannel(LookupError):
    """No channel of this name is configured."""

    def __init__(self, name: str) -> None:
        known = ", ".join(sorted(settings.NODROP_CHANNELS)) or "none"
        super().__init__(f'There is no channel "{name}"; configured: {known}.')


def get_channel(name: str) -> Channel:
    """The one instance of a configured channel. Raises `UnknownChannel`."""
    config = _config(name)
    known = _built.get(name)
    return known[1] if known and known[0] is config else _build(name, config)


def _build(name: str, config: dict[str, Any]) -> Channel:
    with _building:
        known = _built.get(name)
        if known is None or known[0] is not config:  # settings overridden in tests
            channel = import_string(config["CLASS"])(name=name, **config.get("OPTIONS", {}))
            known = _built[name] = (config, cast("Channel", channel))
    return known[1]


def get_schedule(name: str) -> tuple[float, ...]:
    """Seconds after the start at which this channel is consulted; the default for a retired one."""
    config: dict[str, Any] = settings.NODROP_CHANNELS.get(name, {})
    return tuple(config.get("CONSULT_SCHEDULE") or settings.CONSULT_SCHEDULE)


def get_refund_schedule(name: str) -> tuple[float, ...]:
    """Seconds after a refund was asked for at which its channel is asked about it."""
    config: dict[str, Any] = settings.NODROP_CHANNELS.get(name, {})
    return tuple(config.get("REFUND_SCHEDULE") or settings.REFUND_SCHEDULE)


def get_query_budget(name: str) -> RateLimitItem | None:
    """How often this channel may be asked, by the settings, else by its own word; None: no limit.

    Raises `ValueError` for what is no rate.
    """
    config: dict[str, Any] = settings.NODROP_CHANNELS.get(name, {})
    rate = config.get("QUERY_BUDGET")
    if rate is None:
        rate = get_channel(name).capabilities.query_budget if config else ""
    return _rate(rate) if rate else None


def get_label(name: str) -> str:
    """What people call the channel; the name itself for a retired one."""
    return str(settings.NODROP_CHANNELS.get(name, {}).get("LABEL", name))


def channel_names() -> list[str]:
    """The names of the configured channels, in the order of the settings."""
    return list(settings.NODROP_CHANNELS)


@cache
def _rate(text: str) -> RateLimitItem:
    return parse(text)


def _config(name: str) -> dict[str, Any]:
    try:
        return cast("dict[str, Any]", settings.NODROP_CHANNELS[name])
    except KeyError:
        raise UnknownChannel(name) from None
