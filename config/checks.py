"""System checks of the environment: a variable that nothing reads is a typo."""

import difflib
import os

from django.core.checks import CheckMessage, Warning, register

from config import env
from config.run import VARIABLES

# The wallet's own process reads these; it is no part of Django.
FOR_WALLET = frozenset(
    f"NODROP_SANDBOX_{name}"
    for name in (
        *("HOST", "PORT", "PORT_FILE", "PUBLIC_URL", "DATA", "MERCHANT", "API_KEY"),
        *("WEBHOOK_SECRET", "RETRIES", "CALLBACK_TIMEOUT", "QUERY_LIMIT"),
        *("EARLY_STATEMENTS", "SEED"),
    )
)


@register
def unknown_variables(**_kwargs: object) -> list[CheckMessage]:
    """Find variables that begin with `NODROP_` and that nothing reads."""
    known = env.known | set(VARIABLES) | FOR_WALLET
    return [
        Warning(
            f"The environment variable {name} is set, but nothing reads it.",
            hint=_nearest(name, known),
            id="config.W001",
        )
        for name in sorted(os.environ)
        if name.startswith(env.PREFIX) and name not in known
    ]


def _nearest(name: str, known: set[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"Did you mean {near[0]}?" if near else "See .env.example for those that are read."
