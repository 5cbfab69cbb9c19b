"""The states of a refund, the legal moves between them, and the judgement of a report. Pure."""

from dataclasses import dataclass

from django.db.models import TextChoices

from payments.states.payment import Verdict


class RefundStatus(TextChoices):
    """Where a refund stands. Only `services.settle_refunds` writes it."""

    REQUESTED = "requested", "Requested"  # row committed; not yet known to be at the channel
    PENDING = "pending", "Pending"  # accepted by the channel: not done
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"


class RefundReason(TextChoices):
    """Why money goes back."""

    LATE = "late", "Came after the order was closed"
    SECOND = "second", "The order was paid already"
    MISPAID = "mispaid", "Not what was asked for"
    CUSTOMER = "customer", "For the customer"


OPEN_REFUND = frozenset({RefundStatus.REQUESTED, RefundStatus.PENDING})

REFUND_MOVES: dict[RefundStatus, frozenset[RefundStatus]] = {
    RefundStatus.REQUESTED: frozenset(RefundStatus) - {RefundStatus.REQUESTED},
    RefundStatus.PENDING: frozenset({RefundStatus.SUCCEEDED, RefundStatus.FAILED}),
    # Some channels take a success back days later, when the shopper's bank returned the money:
    # https://docs.stripe.com/refunds#failed-refunds
    RefundStatus.SUCCEEDED: frozenset({RefundStatus.FAILED}),
    RefundStatus.FAILED: frozenset({RefundStatus.SUCCEEDED}),
}


@dataclass(frozen=True, slots=True)
class RefundJudgement:
    """What a claim about a refund means: the verdict, and the status to move to (if any)."""

    verdict: Verdict
    to: RefundStatus | None = None


def judge_refund(current: RefundStatus, claimed: RefundStatus | None) -> RefundJudgement:
    """Judge a claimed status against the current one; `None` claims nothing."""
    if claimed is None:
        return RefundJudgement(Verdict.INCONCLUSIVE)
    if claimed in REFUND_MOVES[current]:
        return RefundJudgement(Verdict.APPLIED, claimed)
    if claimed is RefundStatus.PENDING:
        # "Under way" ends nothing; about a refund that has ended it is stale, no contradiction.
        return RefundJudgement(Verdict.INCONCLUSIVE)
    return RefundJudgement(Verdict.REPEATED)
