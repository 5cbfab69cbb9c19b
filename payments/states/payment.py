"""The states of a payment, the legal moves between them, and the judgement of a report. Pure."""

from dataclasses import dataclass

from django.db.models import TextChoices


class Status(TextChoices):
    """Where a payment stands. Only `services.settle` writes it."""

    CREATED = "created", "Created"  # row committed; channel not yet known to have been reached
    PAYING = "paying", "Paying"  # the fog: the shopper may or may not have paid
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"
    CLOSED = "closed", "Closed"
    MISPAID = "mispaid", "Mispaid"  # money came, but not what was asked for


class Source(TextChoices):
    """The path on which a report reached us."""

    START = "start", "Start"
    CALLBACK = "callback", "Callback"
    CONSULT = "consult", "Consult"
    SWEEP = "sweep", "Sweep"
    RETURN = "return", "Browser return"
    CLOSE = "close", "Close answer"
    STATEMENT = "statement", "Statement"
    OPERATOR = "operator", "Operator"


class Verdict(TextChoices):
    """What a piece of evidence did."""

    PENDING = "pending", "Not judged yet"
    APPLIED = "applied", "Applied"
    REPEATED = "repeated", "Repeated"  # we knew that already
    INCONCLUSIVE = "inconclusive", "Inconclusive"  # still open, not found, or no usable answer
    CONTRADICTS = "contradicts", "Contradicts"  # not a legal move: recorded, nothing changed
    ORPHAN = "orphan", "Orphan"  # no such payment here
    FAILED = "failed", "Failed"  # our own failure: to be judged again


IN_FOG = frozenset({Status.CREATED, Status.PAYING})
FINAL = frozenset(Status) - IN_FOG

MONEY_CAME = frozenset({Status.SUCCEEDED, Status.MISPAID})
_NO_MONEY_CAME = FINAL - MONEY_CAME

MOVES: dict[Status, frozenset[Status]] = {
    # A lost answer to `create` may hide any end, so `created` has every move that `paying` has.
    Status.CREATED: frozenset(Status) - {Status.CREATED},
    Status.PAYING: frozenset(Status) - IN_FOG,
    Status.SUCCEEDED: frozenset(),
    Status.FAILED: MONEY_CAME,  # late money
    Status.CANCELLED: MONEY_CAME,
    Status.CLOSED: MONEY_CAME,
    Status.MISPAID: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a claim about a payment means: the verdict, and the status to move to (if any)."""

    verdict: Verdict
    to: Status | None = None


def judge(current: Status, claimed: Status | None) -> Judgement:
    """Judge a claimed status against the current one; `None` claims nothing."""
    if claimed is None:
        return Judgement(Verdict.INCONCLUSIVE)
    if claimed in MOVES[current]:
        return Judgement(Verdict.APPLIED, claimed)
    if claimed is Status.PAYING:
        # "Still open" ends nothing; about a payment that has ended it is stale, no contradiction.
        return Judgement(Verdict.INCONCLUSIVE)
    # A channel may call the same end by another name later: what was cancelled is closed in time.
    same_end = claimed == current or {claimed, current} <= _NO_MONEY_CAME
    return Judgement(Verdict.REPEATED if same_end else Verdict.CONTRADICTS)
