"""The admin for those who are called at night: what is in the fog, why, and what can be done."""

from payments.admin.events import PaymentEventAdmin
from payments.admin.evidence import EvidenceAdmin
from payments.admin.payments import PaymentAdmin

__all__ = ["EvidenceAdmin", "PaymentAdmin", "PaymentEventAdmin"]
