"""A part that has just failed is left in peace for a while: each further try would cost time."""

import time
from dataclasses import dataclass

SECONDS = 5.0


@dataclass(slots=True)
class Breaker:
    """One for each part and process; it is open, and nothing is tried, until `quiet_until`."""

    quiet_until: float = 0.0  # by `time.monotonic`

    @property
    def is_open(self) -> bool:
        return time.monotonic() < self.quiet_until

    def trip(self) -> None:
        """The part has failed."""
        self.quiet_until = time.monotonic() + SECONDS
