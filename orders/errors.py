"""What an order can't do. Each error's docstring is its message."""

from collections.abc import Mapping


class OrderError(Exception):
    """The order can't do that."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__doc__)


class UnknownOrder(OrderError):
    """There is no order of this number."""


class OrderNotPayable(OrderError):
    """The order takes no payment any more."""


class OrderNotCancellable(OrderError):
    """The order is paid or closed already: it can't be cancelled."""


class IdempotencyKeyReused(OrderError):
    """This Idempotency-Key was used for another order: take a new key, or send the same order."""


class OutOfStock(OrderError):
    """Not so many can be had; `left` says how many, by SKU."""

    def __init__(self, left: Mapping[str, int]) -> None:
        super().__init__()
        self.left = dict(left)


class MoneyNotKnownYet(OrderError):
    """The ledger has no money of this payment yet: its refund can only be recorded after it."""
