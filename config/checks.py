"""System checks of the environment: a variable that nothing reads is a typo."""

import difflib
import os

from django.core.checks import CheckMessage, Warning, register

from config import env


@register
def unknown_variables(**_kwargs: object) -> list[CheckMessage]:
    """Find variables that begin with `NODROP_` and that no setting reads."""
    return [
        Warning(
            f"The environment variable {name} is set, but nothing reads it.",
            hint=_nearest(name),
            id="config.W001",
        )
        for name in sorted(os.environ)
        if name.startswith(env.PREFIX) and name not in env.known | env.FOR_PROCESSES
    ]


def _nearest(name: str) -> str:
    near = difflib.get_close_matches(name, env.known | env.FOR_PROCESSES, n=1)
    return f"Did you mean {near[0]}?" if near else "See .env.example for those that are read."
