"""Everything that changes a payment. `settle` is the one door: nothing else writes its status.

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
    consult_due,
    pull_forward,
    query_now,
    sweep,
)
from payments.services.heartbeats import heartbeat
from payments.services.relaying import relay_woken, retry_relay
from payments.services.settling import Finding, settle
from payments.services.starting import (
    AnotherPaymentInFog,
    CurrencyNotTaken,
    create_at_channel,
    open_payment,
)
from payments.wake import wake_relay

__all__ = [
    "AnotherPaymentInFog",
    "CallbackNotSettled",
    "CurrencyNotTaken",
    "Finding",
    "announce_due",
    "close_payment",
    "consult_due",
    "create_at_channel",
    "heartbeat",
    "open_payment",
    "pull_forward",
    "query_now",
    "receive_callback",
    "rejected_today",
    "relay_woken",
    "replay_callback",
    "retry_relay",
    "settle",
    "sweep",
    "wake_relay",
]
