"""Payments, refunds and statements: what happened to them, and what we learned about them.

Rows are the record of what is to be done: `consult_due_at`, `relay_due_at` and `due_at` are the
queues, and their partial indexes keep the cost of reading them with the rows that are due, not with
all rows.
"""

from payments.models.events import FurtherCapture, PaymentEvent, RelayFailure
from payments.models.evidence import Evidence
from payments.models.heartbeat import Heartbeat
from payments.models.payment import Payment, new_idempotency_key, new_payment_no
from payments.models.refund import Refund, RefundEvent, new_refund_no
from payments.models.statement import Difference, Statement, StatementPart

__all__ = [
    "Difference",
    "Evidence",
    "FurtherCapture",
    "Heartbeat",
    "Payment",
    "PaymentEvent",
    "Refund",
    "RefundEvent",
    "RelayFailure",
    "Statement",
    "StatementPart",
    "new_idempotency_key",
    "new_payment_no",
    "new_refund_no",
]
