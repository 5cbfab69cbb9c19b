"""The admin for those who are called at night: what is in the fog, why, and what can be done."""

from payments.admin.differences import DifferenceAdmin
from payments.admin.events import PaymentEventAdmin
from payments.admin.evidence import EvidenceAdmin
from payments.admin.payments import PaymentAdmin
from payments.admin.refund_events import RefundEventAdmin
from payments.admin.refunds import RefundAdmin
from payments.admin.statements import StatementAdmin

__all__ = [
    "DifferenceAdmin",
    "EvidenceAdmin",
    "PaymentAdmin",
    "PaymentEventAdmin",
    "RefundAdmin",
    "RefundEventAdmin",
    "StatementAdmin",
]
