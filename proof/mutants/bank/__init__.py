"""The bank: each bug is one that a person could make, and that would cost somebody money."""

from proof.mutants.bank import asking, callbacks, orders, refunds, settling
from proof.mutants.mutant import Mutant

BANK: tuple[Mutant, ...] = (
    *callbacks.BANK,
    *settling.BANK,
    *asking.BANK,
    *orders.BANK,
    *refunds.BANK,
)

__all__ = ["BANK"]
