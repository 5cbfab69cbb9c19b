"""The virtual clock. It moves only when the world moves it, and never back."""

import datetime as dt
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import ModuleType, SimpleNamespace
from unittest import mock

START = dt.datetime(2026, 3, 2, 8, tzinfo=dt.UTC)
EVENING = dt.datetime(2026, 3, 2, 23, 20, tzinfo=dt.UTC)  # statements come within the hour


class Clock:
    """Aware UTC. `skew` is that of the process which reads it now; a stopwatch has none."""

    def __init__(self, start: dt.datetime = START) -> None:
        self.start = start
        self.true_now = start
        self._seconds = 0.0
        self.skew = dt.timedelta(0)

    def now(self) -> dt.datetime:
        """What the process that runs now believes."""
        return self.true_now + self.skew

    def seconds(self) -> float:
        """A stopwatch: seconds since the world began."""
        return self._seconds

    def move_to(self, at: dt.datetime) -> None:
        if at > self.true_now:
            self.true_now = at
            self._seconds = (at - self.start).total_seconds()


@contextmanager
def installed(clock: Clock, stopwatches: tuple[ModuleType, ...]) -> Iterator[None]:
    """Inside, Django's clock is this one, and so are the stopwatches of these modules."""
    stopwatch = SimpleNamespace(monotonic=clock.seconds)
    with ExitStack() as patches:
        patches.enter_context(mock.patch("django.utils.timezone.now", clock.now))
        for module in stopwatches:
            patches.enter_context(mock.patch.object(module, "time", stopwatch))
        yield
