"""Everything that changes a payment or a refund.

`settle` is the one door for payments, `settle_refunds` the one for refunds: nothing else writes
their status.
No network call ever happens inside a transaction.
"""

from payments.services.callbacks import (
    CallbackNotSettled,
    receive_callback,
    rejected_today,
    replay_callback,
)
from payments.services.consulting import (
    announce_due,
    close_payment,
    close_payments,
    consult_due,
    have_closed,
    judge_forgotten,
    pull_forward,
    query_now,
    sweep,
)
from payments.services.heartbeats import heartbeat
from payments.services.refunding import (
    GivenBackOtherwise,
    NotFailed,
    NothingToRefund,
    OriginReused,
    RefundError,
    RefundFinding,
    RefundNotPossible,
    RefundTooLarge,
    adopt_refunds,
    query_refund_now,
    refund_again,
    refund_due,
    request_refund,
    settle_refunds,
)
from payments.services.relaying import relay_woken, retry_relay
from payments.services.settling import Finding, settle
from payments.services.starting import (
    AnotherPaymentInFog,
    CurrencyNotTaken,
    check_taken,
    create_at_channel,
    open_payment,
)
from payments.wake import wake_relay

__all__ = [
    "AnotherPaymentInFog",
    "CallbackNotSettled",
    "CurrencyNotTaken",
    "Finding",
    "GivenBackOtherwise",
    "NotFailed",
    "NothingToRefund",
    "OriginReused",
    "RefundError",
    "RefundFinding",
    "RefundNotPossible",
    "RefundTooLarge",
    "adopt_refunds",
    "announce_due",
    "check_taken",
    "close_payment",
    "close_payments",
    "consult_due",
    "create_at_channel",
    "have_closed",
    "heartbeat",
    "judge_forgotten",
    "open_payment",
    "pull_forward",
    "query_now",
    "query_refund_now",
    "receive_callback",
    "refund_again",
    "refund_due",
    "rejected_today",
    "relay_woken",
    "replay_callback",
    "request_refund",
    "retry_relay",
    "settle",
    "settle_refunds",
    "sweep",
    "wake_relay",
]
