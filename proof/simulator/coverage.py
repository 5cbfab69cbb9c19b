"""Which fault met which state of a payment. A world that never shows a pair is blind there."""

from collections import Counter
from collections.abc import Iterable, Mapping

from payments.states import Status

STATES = tuple(str(status) for status in Status)

_STORMS = (
    *("F24", "F25", "F26", "F27", "F28", "F29", "F30", "F32", "F33", "F35", "F36"),
    *("F40", "F41", "F42"),
)
_CALLS = ["F12", "F14", "F22"]
# What has to be seen before a run counts: storms meet payments in each of these states, calls fail
# when a bill is made and when it is asked about, news goes wrong while the shop waits for it.
REQUIRED: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(_STORMS, ("paying", "succeeded", "failed", "closed")),
    **dict.fromkeys(_CALLS, ("created", "paying")),
    **dict.fromkeys(("F02", "F03", "F04", "F06", "F15", "F16", "F19", "F48", "F49"), ("paying",)),
    **dict.fromkeys(("F01", "F13", "F17"), ("created",)),
    **dict.fromkeys(("F18", "F20", "F23", "F34"), ("paying",)),
    **dict.fromkeys(("F50", "F52", "F52s"), ("succeeded",)),
}


class Coverage:
    def __init__(self) -> None:
        self.seen: Counter[tuple[str, str]] = Counter()

    def hit(self, fault: str, states: Iterable[str]) -> None:
        for state in states:
            self.seen[fault, state] += 1

    def add(self, other: "Coverage") -> None:
        self.seen.update(other.seen)


def missing(
    seen: Mapping[tuple[str, str], int], required: Mapping[str, Iterable[str]]
) -> list[str]:
    """The pairs that have to be seen, and were not."""
    return [
        f"{fault} and {state}"
        for fault, states in required.items()
        for state in states
        if not seen.get((fault, state))
    ]


def table(seen: Mapping[tuple[str, str], int]) -> str:
    """Faults down, states across."""
    faults = sorted({fault for fault, _ in seen})
    head = f"{'':6}" + "".join(f"{state:>11}" for state in STATES)
    rows = [
        f"{fault:6}" + "".join(f"{seen.get((fault, state), 0):>11}" for state in STATES)
        for fault in faults
    ]
    return "\n".join([head, *rows])
