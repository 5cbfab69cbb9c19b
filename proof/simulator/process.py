"""The processes of the shop. They die, are started again, and remember nothing of it."""

import datetime as dt
from dataclasses import dataclass, field


class Crash(BaseException):
    """The process is dead: nothing catches this."""


@dataclass(slots=True)
class Process:
    """`life` counts its deaths: who waits in a former life is dead."""

    name: str
    role: str  # web, worker or beat
    is_up: bool = True
    life: int = 1
    quiet_until: float = 0.0  # of `common.wake`: one breaker a process
    budget_quiet_until: float = 0.0  # the same of the channels' budget
    skew: dt.timedelta = field(default_factory=dt.timedelta)
