"""System checks of the channels: a misconfigured one stops the start, not a shopper."""

from itertools import pairwise
from typing import Any
from zoneinfo import available_timezones

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.utils.module_loading import import_string
from typing_extensions import get_protocol_members

from payments.channels.base import Channel
from payments.channels.registry import get_query_budget

_SCHEDULES = ("CONSULT_SCHEDULE", "REFUND_SCHEDULE")
_KEYS = frozenset({"CLASS", "LABEL", "OPTIONS", "QUERY_BUDGET", *_SCHEDULES})


@register
def channels_are_usable(**_kwargs: object) -> list[CheckMessage]:
    """Check every entry of `NODROP_CHANNELS`."""
    if not settings.NODROP_CHANNELS:
        return [
            Warning(
                "No channel is configured: nothing can be paid.",
                hint="Add one to NODROP_CHANNELS, or set NODROP_SANDBOX=1.",
                id="payments.W001",
            )
        ]
    return [
        problem
        for name, config in settings.NODROP_CHANNELS.items()
        for problem in _check(name, config)
    ]


def _check(name: str, config: dict[str, Any]) -> list[CheckMessage]:
    where = f'NODROP_CHANNELS["{name}"]'
    problems: list[CheckMessage] = []
    if not name.isidentifier() or len(name) > 32:
        problems.append(
            Error(
                f"{where}: the name becomes part of the callback's URL.",
                hint="Use at most 32 letters, digits and underscores.",
                id="payments.E001",
            )
        )
    if unknown := sorted(set(config) - _KEYS):
        problems.append(
            Error(
                f"{where} has unknown keys: {', '.join(unknown)}.",
                hint=f"Known are {', '.join(sorted(_KEYS))}.",
                id="payments.E002",
            )
        )
    problems += _check_class(where, name, config)
    for key in _SCHEDULES:
        problems += _check_schedule(where, key, config.get(key))
    return problems or _check_budget(where, name)


def _check_class(where: str, name: str, config: dict[str, Any]) -> list[CheckMessage]:
    try:
        channel = import_string(config["CLASS"])(name=name, **config.get("OPTIONS", {}))
    except Exception as error:  # noqa: BLE001  (whatever it is, it must not start)
        return [
            Error(
                f"{where} can't be built: {error!r}.",
                hint="CLASS is the dotted path of a Channel; OPTIONS are its keyword arguments.",
                id="payments.E003",
            )
        ]
    missing = sorted(part for part in get_protocol_members(Channel) if not hasattr(channel, part))
    if not missing:
        return _check_timezone(where, channel.capabilities.statement_timezone)
    return [
        Error(
            f"{where}: {config['CLASS']} lacks {', '.join(missing)}.",
            hint="Implement all of payments.channels.base.Channel.",
            id="payments.E004",
        )
    ]


def _check_timezone(where: str, name: str) -> list[CheckMessage]:
    if name in available_timezones():
        return []
    return [
        Error(
            f'{where}: statement_timezone is "{name}".',
            hint="Name the time zone as IANA does, such as Asia/Shanghai.",
            id="payments.E006",
        )
    ]


def _check_budget(where: str, name: str) -> list[CheckMessage]:
    try:
        budget = get_query_budget(name)
    except ValueError as error:
        what = str(error)
    else:
        if budget is None or budget.amount > 0:
            return []
        what = "it lets nothing through"
    return [
        Error(
            f"{where}: QUERY_BUDGET: {what}.",
            hint='Write a rate such as "50/second", or leave it empty for no limit.',
            id="payments.E007",
        )
    ]


def _check_schedule(where: str, key: str, schedule: Any) -> list[CheckMessage]:
    if schedule is None:
        return []
    steps = list(schedule)
    if steps and steps[0] > 0 and all(a < b for a, b in pairwise(steps)):
        return []
    return [
        Error(
            f"{where}: {key} is {steps}.",
            hint="Give seconds after the start that grow, such as (10, 30, 60).",
            id="payments.E005",
        )
    ]
