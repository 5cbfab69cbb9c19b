"""When to consult a channel about a payment. Pure: the age of the payment decides, nothing else.

The schedule is anchored at the start of the payment and holds no counter: a worker that was away
for ten minutes resumes at the step that its age says, so steps that were missed don't pile up.
"""

import datetime as dt
import math
from collections.abc import Sequence

HOUR = 3600.0
SLOW_LANE = (HOUR, 6 * HOUR, 24 * HOUR)  # seconds after the start; then once a day, for ever
DAY = 24 * HOUR
JITTER = 0.1  # of the distance to the step: a backlog must not come back as one herd
LEAST_GAP = 1.0  # seconds between two consults of one payment


def next_consult_at(
    *, started_at: dt.datetime, now: dt.datetime, schedule: Sequence[float], jitter: float = 0.0
) -> dt.datetime:
    """The next step of the schedule that lies after `now`.

    `schedule` holds seconds after the start, growing. `jitter` from 0 to 1 delays the step by up to
    a tenth of the wait.
    """
    age = (now - started_at).total_seconds()
    step = _next_step(age + LEAST_GAP, schedule)
    wait = max(step - age, LEAST_GAP)
    return now + dt.timedelta(seconds=wait * (1 + JITTER * jitter))


def in_slow_lane(*, started_at: dt.datetime, now: dt.datetime, schedule: Sequence[float]) -> bool:
    """Whether the fast steps are used up: time for an alert, never for a verdict."""
    return (now - started_at).total_seconds() >= schedule[-1]


def _next_step(age: float, schedule: Sequence[float]) -> float:
    for step in (*schedule, *(slow for slow in SLOW_LANE if slow > schedule[-1])):
        if step >= age:
            return step
    return math.ceil(age / DAY) * DAY
