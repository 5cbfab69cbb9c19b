"""The third party of the interleavings: in memory, with a pause before each call."""

import copy
from collections.abc import Callable
from typing import Any, TypeVar

from tests.fakes import FakeChannel

T = TypeVar("T")

_KEPT = ("reports", "refunds", "refund_state", "statements", "keys", "calls", "_event_ids")


def pause(_what: str) -> None:
    """The crew's, while one plays."""


class PausingChannel(FakeChannel):
    """Between our question and its answer anything may happen."""

    def save(self) -> dict[str, Any]:
        """What it knows now; `load` brings that back."""
        return copy.deepcopy({name: getattr(self, name) for name in _KEPT})

    def load(self, known: dict[str, Any]) -> None:
        for name, value in copy.deepcopy(known).items():
            setattr(self, name, value)

    def _call(self, operation: str, work: Callable[[], T]) -> T:
        pause(f"channel: {operation}")
        return super()._call(operation, work)
