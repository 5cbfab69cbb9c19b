"""One look of the inside watch: at all that it finds, page by page, for as long as it has time."""

import datetime as dt
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from django.db.models import Model, QuerySet

LOOK_BACK = dt.timedelta(hours=26)  # beyond a day, so that a night without a watch leaves no gap
MOST = 500  # rows of a page
SECONDS = 8.0  # for one look: after that no further page is begun
A_PASS = 60  # seconds

Finding = tuple[str, str]  # the number of what it is about, and what is wrong; "" once it is mended
M = TypeVar("M", bound=Model)


@dataclass(slots=True)
class Glance:
    """What a look is told: the moment, and the numbers that its open alerts are about."""

    now: dt.datetime
    alerted: Collection[str]
    complete: bool = True  # False once rows were left to the next pass
    ends_at: float = field(default_factory=lambda: time.monotonic() + SECONDS)

    def rows(self, found: QuerySet[M]) -> Iterator[M]:
        """Each row of `found`, while there is time; the first page in any case.

        Each minute begins a page further on, so that rows which nothing can mend hide no others.
        The keys are read at once: an order with a limit would have the database walk old rows.
        """
        keys = sorted(found.order_by().values_list("pk", flat=True))
        begin = int(self.now.timestamp()) // A_PASS * MOST % max(1, len(keys))
        keys = keys[begin:] + keys[:begin]
        for start in range(0, len(keys), MOST):
            if start and time.monotonic() > self.ends_at:
                self.complete = False
                return
            yield from found.filter(pk__in=keys[start : start + MOST]).order_by("pk")
