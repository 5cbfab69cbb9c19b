"""How often an app asks for a payment's status: the server decides, so apps needn't change.

Pure: the age of the payment decides, counted from its start, or from the shopper's return, which is
when the answer is wanted most.
"""

import datetime as dt

STEPS = ((5, 1), (30, 2), (120, 5), (900, 10))  # up to this age: this interval (seconds)
GIVE_UP_AFTER = dt.timedelta(seconds=STEPS[-1][0])
JITTER = 0.2  # of the interval, both ways: a million apps must not ask in step


def interval(age: dt.timedelta) -> int | None:
    """Seconds until an app of this age asks again; None when it should stop asking."""
    for up_to, seconds in STEPS:
        if age.total_seconds() < up_to:
            return seconds
    return None


def with_jitter(seconds: float, *, chance: float) -> int:
    """Milliseconds: `seconds`, moved by at most a fifth; `chance` from 0 to 1."""
    return round(seconds * 1000 * (1 + JITTER * (2 * chance - 1)))
