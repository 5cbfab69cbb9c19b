"""The tables of states and moves, written for the model from those that the code runs on."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from django.db.models import TextChoices

from orders.states import WANTS_MONEY, OrderStatus
from payments.states import FINAL, IN_FOG, MONEY_CAME, MOVES, REFUND_MOVES

State = TypeVar("State", bound=TextChoices)


def module() -> str:
    """The text of `specs/Moves.tla`; a test compares it with the file."""
    definitions = {
        "InFog": _set(IN_FOG),
        "Ended": _set(FINAL),
        "MoneyCame": _set(MONEY_CAME),
        "Moves": _table(MOVES),
        "RefundMoves": _table(REFUND_MOVES),
        "OrderStatus": _set(OrderStatus),
        "WantsMoney": _set(WANTS_MONEY),
    }
    lines = [f"{name} == {text}" for name, text in definitions.items()]
    title, about = f"{'-' * 30} MODULE Moves {'-' * 30}", "(* Written by proof/model/moves.py. *)"
    return "\n".join([title, about, *lines, "=" * len(title), ""])


def _set(names: Iterable[TextChoices]) -> str:
    return "{" + ", ".join(f'"{name}"' for name in sorted(names)) + "}"


def _table(moves: Mapping[State, Iterable[State]]) -> str:
    rows = [f"    {name} |-> {_set(moves[name])}" for name in sorted(moves)]
    return "[\n" + ",\n".join(rows) + "]"
