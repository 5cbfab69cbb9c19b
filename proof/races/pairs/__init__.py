"""The critical pairs: what the real world does to one payment at once."""

from proof.races.pairs.base import Pair
from proof.races.pairs.ends import CancelSettle, CloseSettle, ExpirePay, PayAgainSettle
from proof.races.pairs.money import RefundRefund, RelayCancel, RelayRelay
from proof.races.pairs.news import (
    CallbackCallback,
    CallbackConsult,
    ReplayConsult,
    StatementCallback,
    SweepConsult,
)

PAIRS: dict[str, type[Pair]] = {
    pair.name: pair
    for pair in (
        CallbackConsult,
        CallbackCallback,
        SweepConsult,
        CloseSettle,
        CancelSettle,
        RefundRefund,
        RelayRelay,
        RelayCancel,
        StatementCallback,
        ReplayConsult,
        PayAgainSettle,
        ExpirePay,
    )
}

__all__ = ["PAIRS", "Pair"]
