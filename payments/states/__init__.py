"""States, the legal moves between them, and the judgement of reports. Pure."""

from payments.states.payment import (
    FINAL,
    IN_FOG,
    MONEY_CAME,
    MOVES,
    Judgement,
    Source,
    Status,
    Verdict,
    judge,
)
from payments.states.refund import (
    OPEN_REFUND,
    REFUND_MOVES,
    RefundJudgement,
    RefundReason,
    RefundStatus,
    judge_refund,
)
from payments.states.statement import DifferenceKind, StatementState

__all__ = [
    "FINAL",
    "IN_FOG",
    "MONEY_CAME",
    "MOVES",
    "OPEN_REFUND",
    "REFUND_MOVES",
    "DifferenceKind",
    "Judgement",
    "RefundJudgement",
    "RefundReason",
    "RefundStatus",
    "Source",
    "StatementState",
    "Status",
    "Verdict",
    "judge",
    "judge_refund",
]
