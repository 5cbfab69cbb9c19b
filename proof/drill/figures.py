"""What a run has shown, in figures. Pure."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

MARKS = (10.0, 60.0, 300.0, 3600.0)  # seconds after the money was taken at which drops are counted
NEVER = math.inf


@dataclass(frozen=True, slots=True)
class Taken:
    """One payment whose money a channel took.

    `unknown_for` is how many seconds went by until the shop said "paid", or had given the money
    back; `NEVER` if it still says neither. `found_by` is the path on which the news came.
    """

    payment: str  # the shopper's number and which of their payments it was
    unknown_for: float
    found_by: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of all payments under one strategy."""

    strategy: str
    payments: int  # started
    taken: Sequence[Taken]
    queries: int  # of payments, at the channels
    rows_read: int
    doubles: int = 0  # paid or given back twice
    broken: Sequence[str] = field(default_factory=list)  # what does not hold, in a sentence each
    story: str = ""  # of the first bad payment, step by step
    again: str = ""  # the command that plays that story again

    def share_unknown(self, after: float) -> float:
        """The share of the payments taken that the shop does not know so many seconds later."""
        late = sum(1 for each in self.taken if each.unknown_for > after)
        return late / len(self.taken) if self.taken else 0.0

    @property
    def drops(self) -> int:
        """How many the shop has not known by the end."""
        return sum(1 for each in self.taken if each.unknown_for == NEVER)

    @property
    def share_dropped(self) -> float:
        return self.drops / len(self.taken) if self.taken else 0.0

    def time_to_truth(self, quantile: float) -> float:
        """Seconds within which this share of the payments taken is known; may be `NEVER`."""
        times = sorted(each.unknown_for for each in self.taken)
        return times[max(math.ceil(quantile * len(times)) - 1, 0)] if times else 0.0

    def found_within(self, edges: Sequence[float]) -> dict[str, list[int]]:
        """By who found it: how many became known up to each of the growing edges (seconds)."""
        counts: dict[str, Counter[int]] = {}
        for each in self.taken:
            place = next((n for n, edge in enumerate(edges) if each.unknown_for <= edge), None)
            if place is not None:
                counts.setdefault(each.found_by, Counter())[place] += 1
        return {who: [found[n] for n in range(len(edges))] for who, found in counts.items()}

    @property
    def is_sound(self) -> bool:
        return not (self.drops or self.doubles or self.broken)


def merge(storms: Sequence[Outcome]) -> Outcome:
    """What one strategy has come to in all of these storms; the story is the first bad one's."""
    bad = next((each for each in storms if not each.is_sound), storms[0])
    return Outcome(
        strategy=storms[0].strategy,
        payments=sum(each.payments for each in storms),
        taken=[taken for each in storms for taken in each.taken],
        queries=sum(each.queries for each in storms),
        rows_read=sum(each.rows_read for each in storms),
        doubles=sum(each.doubles for each in storms),
        broken=[rule for each in storms for rule in each.broken],
        story=bad.story,
        again=bad.again,
    )


def per_payment(count: int, outcome: Outcome) -> float:
    return count / outcome.payments if outcome.payments else 0.0
