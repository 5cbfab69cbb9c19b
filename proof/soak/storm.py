"""Which fault strikes when: drawn from the seed, before anything runs. Pure."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from common.kill_points import POINTS
from proof.soak.proxy import Fault, Kind

# Ways that may be troubled; `any` of them for each kind of fault in turn.
DATABASE = tuple(f"{name}>postgres" for name in ("web", "worker-1", "worker-2", "relay", "beat"))
BROKER = tuple(f"{name}>valkey" for name in ("web", "worker-1", "worker-2", "relay", "beat"))
WALLET = tuple(f"{name}>wallet" for name in ("web", "worker-1", "worker-2"))
CALLBACKS = ("wallet>web",)
WAYS = (DATABASE, BROKER, WALLET, CALLBACKS)
STRONG = 0.5  # the probability of a switch of the wallet while it is on
SWITCHES: dict[str, dict[str, object]] = {
    "callbacks lost": {"lose_callback": 1},
    "callbacks late": {"delay_callback": {"probability": 1, "seconds": 8}},
    "callbacks five times": {"duplicate_callback": {"probability": 1, "count": 5}},
    "callbacks out of order": {"reorder_callbacks": {"probability": STRONG, "seconds": 4}},
    "wallet does not answer": {"timeout_before": {"probability": STRONG, "times": 3}},
    "bill made, answer lost": {"create_then_timeout": {"probability": STRONG, "times": 2}},
    "money taken, answer lost": {"charge_then_timeout": {"probability": STRONG, "times": 1}},
    "close or refund done, answer lost": {"timeout_after": {"probability": STRONG, "times": 2}},
    "wallet says 503": {"server_error": {"probability": STRONG, "status": 503, "times": 3}},
    "wallet says garbage": {"garbage": {"probability": STRONG, "times": 3}},
    "busy at close": {"busy_close": {"probability": STRONG, "times": 2}},
    "wallet down": {"down": 1},
    "bills not found": {"not_found_for": {"probability": STRONG, "seconds": 10}},
    "paid shown as pending": {"pending_for": {"probability": STRONG, "seconds": 10}},
    "late success": {"late_success": {"probability": STRONG, "seconds": 4}},
    "double charge": {"double_charge": {"probability": STRONG, "seconds": 2}},
    "refunds pending": {"refund_pending_for": {"probability": STRONG, "seconds": 6}},
    "refunds fail later": {
        "refund_fails_later": {"probability": STRONG, "seconds": 2, "times": 1},
    },
}
LINK_FAULTS = {
    "black hole": Fault(Kind.HOLD),
    "answers held": Fault(Kind.HOLD_ANSWERS),
    "slow": Fault(Kind.DELAY, seconds=0.3),
    "trickle": Fault(Kind.SLICE, seconds=0.02, size=30),
    "reset": Fault(Kind.RESET),
    "cut in mid-answer": Fault(Kind.CUT, size=25),
    "half-closed": Fault(Kind.HALF_CLOSE, size=25),
}
# PostgreSQL's own: the connection goes in the COMMIT, which is then done, or not.
COMMIT_FAULTS = {
    "cut before COMMIT": Fault(Kind.RESET_BEFORE, match=b"COMMIT"),
    "cut after COMMIT": Fault(Kind.RESET_AFTER, match=b"COMMIT"),
}
UNREACHED = ("statement.", "notification.")  # a soak has no receivers, and its day is not over
WORKERS = ("worker-1", "worker-2", "relay")


@dataclass(frozen=True, slots=True)
class Strike:
    """One fault: `kind` says what, `where` whom, `detail` how; it is over `seconds` later."""

    at: float
    kind: str
    where: str = ""
    detail: str = ""
    seconds: float = 0.0

    def __str__(self) -> str:
        words = [self.kind, self.where, self.detail, f"{self.seconds:.0f} s" * bool(self.seconds)]
        return f"{self.at:7.1f} s  {'  '.join(filter(None, words))}"


def schedule(*, seed: int, seconds: float, gaps: tuple[float, float]) -> list[Strike]:
    """The strikes of a storm of so many seconds, `gaps` of seconds apart; each kind in its turn."""
    chance = random.Random(f"{seed}/storm")
    # Drawn apart: a point more in the code must not make another storm.
    kinds = _bag(chance, random.Random(f"{seed}/points"))
    at, strikes = 0.0, []
    while (at := at + chance.uniform(*gaps)) < seconds:
        kind, where, detail, lasts = next(kinds)
        strikes.append(Strike(at, kind, where, detail, lasts))
    return strikes


_Drawn = tuple[str, str, str, float]


def _bag(chance: random.Random, points: random.Random) -> Iterator[_Drawn]:
    """Every kind of the storm once, in any order; then all of them again."""
    while True:
        drawn = [
            *_kills(chance),
            *_points(points),
            *_stores(chance),
            *_links(chance),
            *_wallet(chance),
        ]
        chance.shuffle(drawn)
        yield from drawn


def _kills(chance: random.Random) -> list[_Drawn]:
    # No child of a worker: the threads pool has none. Its parent is all of it.
    return [
        ("kill", "web", "", 0),
        ("kill child", "web", "", 0),
        ("kill parent", "web", "", 0),
        *[("kill", name, "", 0) for name in (*WORKERS, "beat")],
        ("kill all workers", "", "", 0),
        ("deploy", chance.choice([*WORKERS, "web"]), "", 0),
        ("freeze", chance.choice(WORKERS), "", chance.uniform(5, 20)),
        ("freeze", "web", "", chance.uniform(3, 6)),
        ("freeze", "beat", "", chance.uniform(10, 25)),
        ("poison task", chance.choice(["consults", "relay"]), "", 0),
    ]


def _points(chance: random.Random) -> list[_Drawn]:
    reached = [point for point in sorted(POINTS) if not point.startswith(UNREACHED)]
    points = chance.sample(reached, 5)
    return [("kill at", _who_comes_by(point, chance), point, 45) for point in points]


def _who_comes_by(point: str, chance: random.Random) -> str:
    """A process that reaches this point at all."""
    kind = point.partition(".")[0]
    if kind in ("callback", "answer"):
        return "web"
    if kind in ("close", "settle", "wake"):
        return chance.choice(["worker-1", "worker-2", "web"])
    return "relay" if kind == "relay" else chance.choice(["worker-1", "worker-2"])


def _stores(chance: random.Random) -> list[_Drawn]:
    return [
        ("flushall", "valkey", "", 0),
        ("flushall and kill all workers", "valkey", "", 0),
        ("stop", "valkey", "", 20),
        ("freeze", "valkey", "", chance.uniform(5, 12)),
        ("no memory", "valkey", "", chance.uniform(5, 12)),
        ("restart", "postgres", "immediate", 0),
        ("restart", "postgres", "fast", 0),
        ("end connections", "postgres", "", 0),
        ("freeze", "postgres", "", chance.uniform(2, 6)),
        ("read only", "postgres", "", chance.uniform(4, 8)),
    ]


def _links(chance: random.Random) -> list[_Drawn]:
    """Each group of ways with three kinds of trouble, and two cuts in a COMMIT."""
    drawn: list[_Drawn] = []
    for ways in WAYS:
        for detail in chance.sample(sorted(LINK_FAULTS), 3):
            drawn.append(("link", chance.choice(ways), detail, chance.uniform(4, 15)))
    for detail in COMMIT_FAULTS:
        way = chance.choice(DATABASE[:-1])
        drawn.append(("link", way, detail, chance.uniform(2, 5)))
    return drawn


def _wallet(chance: random.Random) -> list[_Drawn]:
    names = chance.sample(sorted(SWITCHES), 9)
    drawn: list[_Drawn] = [("wallet", "", name, chance.uniform(8, 20)) for name in names]
    return drawn
