"""Reads settings from the environment, and refuses what can't be meant.

A value of the wrong type stops the start with the variable's name and what would be right; an
unknown variable that begins with `NODROP_` is found by the system check in `config.checks`.
"""

from itertools import pairwise

from environs import Env, EnvError

PREFIX = "NODROP_"

env = Env()
known: set[str] = set()


def _remember(name: str) -> str:
    known.add(name)
    return name


def text(name: str, default: str) -> str:
    return env.str(_remember(name), default)


def choice(name: str, default: str, choices: list[str]) -> str:
    value = env.str(_remember(name), default)
    if value not in choices:
        raise EnvError(f'Environment variable "{name}" is {value!r}: one of {", ".join(choices)}')
    return value


def required(name: str, *, when: bool, default: str) -> str:
    """The variable's text; empty or unset, the start fails `when` it is required."""
    value = env.str(_remember(name)) if when else env.str(_remember(name), default)
    if when and not value:
        raise EnvError(f'Environment variable "{name}" is empty: production needs it')
    return value


def flag(name: str, default: bool) -> bool:
    return env.bool(_remember(name), default)


def number(name: str, default: int, *, least: int = 0) -> int:
    value = env.int(_remember(name), default)
    if value < least:
        raise EnvError(f'Environment variable "{name}" is {value}: it must be at least {least}')
    return value


def seconds(name: str, default: float, *, least: float = 0, most: float = 1e9) -> float:
    value = env.float(_remember(name), default)
    if not least <= value <= most:
        raise EnvError(f'Environment variable "{name}" is {value}: {least:g} to {most:g} seconds')
    return value


def words(name: str, default: list[str]) -> list[str]:
    """A list, its parts separated by commas."""
    return [word.strip() for word in env.list(_remember(name), default) if word.strip()]


def durations(name: str, default: list[float]) -> tuple[float, ...]:
    """Seconds separated by commas, each larger than the one before, e.g. `10,30,60`."""
    values = tuple(env.list(_remember(name), default, subcast=float))
    if not values or values[0] <= 0 or any(a >= b for a, b in pairwise(values)):
        raise EnvError(f'Environment variable "{name}": seconds that grow, such as 10,30,60')
    return values
