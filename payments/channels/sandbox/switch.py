"""What one fault switch is, and what may be asked of it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """One number of a switch: its value when not given, and its range (both ends allowed)."""

    default: float
    least: float
    most: float
    unit: str
    whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """One fault. `operations` are those it may hit; none where it isn't about an API call."""

    name: str
    group: str
    says: str
    numbers: Mapping[str, Number]
    operations: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()

    def off(self) -> dict[str, Any]:
        """The options of this switch while it is off."""
        options: dict[str, Any] = {"probability": 0.0}
        options |= {name: number.default for name, number in self.numbers.items()}
        if len(self.operations) > 1:
            options["operations"] = ["all"]
        if self.styles:
            options["style"] = "any"
        return options

    def read(self, given: object, base: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
        """Options from outside over those of `base`, and what is wrong with them by field."""
        if _is_number(given):
            given = {"probability": given}
        if not isinstance(given, dict):
            return dict(base), {self.name: "must be a probability, or an object of options"}
        wrong = {}
        for field, value in given.items():
            trouble = self._trouble(field, value)
            if trouble:
                wrong[f"{self.name}.{field}"] = trouble
        return dict(base) | given, wrong

    def _trouble(self, field: str, value: object) -> str | None:
        if field == "probability":
            return None if _is_number(value, 0, 1) else "must be a number from 0 to 1"
        if field in self.numbers:
            return _number_trouble(self.numbers[field], value)
        if field == "operations" and len(self.operations) > 1:
            allowed = ("all", *self.operations)
            fits = isinstance(value, list) and value and all(item in allowed for item in value)
            return None if fits else f"must be a list of some of: {', '.join(allowed)}"
        if field == "style" and self.styles:
            allowed = ("any", *self.styles)
            return None if value in allowed else f"must be one of: {', '.join(allowed)}"
        return f"unknown; {self.name} has: {', '.join(self.off())}"


def _is_number(value: object, least: float = -math.inf, most: float = math.inf) -> bool:
    return type(value) in (int, float) and least <= value <= most  # type: ignore[operator]


def _number_trouble(number: Number, value: object) -> str | None:
    whole_enough = type(value) is int or not number.whole
    if _is_number(value, number.least, number.most) and whole_enough:
        return None
    kind = "a whole number" if number.whole else "a number"
    return f"must be {kind} of {number.unit} from {number.least:g} to {number.most:g}"
