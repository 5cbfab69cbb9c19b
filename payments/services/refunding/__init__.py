"""Giving money back. `settle_refunds` is the one door: nothing else writes a refund's status."""

from payments.services.refunding.again import GivenBackOtherwise, NotFailed, refund_again
from payments.services.refunding.loop import adopt_refunds, query_refund_now, refund_due
from payments.services.refunding.requesting import (
    NothingToRefund,
    OriginReused,
    RefundError,
    RefundNotPossible,
    RefundTooLarge,
    request_refund,
)
from payments.services.refunding.settling import RefundFinding, settle_refunds

__all__ = [
    "GivenBackOtherwise",
    "NotFailed",
    "NothingToRefund",
    "OriginReused",
    "RefundError",
    "RefundFinding",
    "RefundNotPossible",
    "RefundTooLarge",
    "adopt_refunds",
    "query_refund_now",
    "refund_again",
    "refund_due",
    "request_refund",
    "settle_refunds",
]
