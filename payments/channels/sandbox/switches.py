"""The catalogue of the fault switches, and what may be asked of each.

A new fault is one entry here and one `board.strikes(...)` at the place where it does its harm.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

OPERATIONS = ("create", "query", "close", "refund", "query_refund", "statement")
STYLES = ("html", "truncated", "nan", "list")


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


def _seconds(default: float, most: float = 86_400) -> dict[str, Number]:
    return {"seconds": Number(default=default, least=0, most=most, unit="seconds")}


# Of each payment only the first calls are hit, so that a retry may get through.
_TIMES = {"times": Number(default=0, least=0, most=1000, unit="calls (0: all)", whole=True)}

CATALOGUE: dict[str, Switch] = {
    switch.name: switch
    for switch in (
        Switch(
            name="lose_callback",
            group="Callbacks",
            says="The callback is never sent.",
            numbers={},
        ),
        Switch(
            name="delay_callback",
            group="Callbacks",
            says="The first try comes late.",
            numbers=_seconds(30),
        ),
        Switch(
            name="duplicate_callback",
            group="Callbacks",
            says="Each try is sent several times at once.",
            numbers={
                "count": Number(default=2, least=2, most=50, unit="copies", whole=True),
            },
        ),
        Switch(
            name="reorder_callbacks",
            group="Callbacks",
            says="A callback waits until a later one has left, or for so many seconds.",
            numbers=_seconds(5),
        ),
        Switch(
            name="timeout_before",
            group="API calls",
            says="Nothing is done, and no answer comes; the connection is cut after so long.",
            numbers=_seconds(30) | _TIMES,
            operations=OPERATIONS,
        ),
        Switch(
            name="create_then_timeout",
            group="API calls",
            says="The bill is made, and no answer comes.",
            numbers=_seconds(30) | _TIMES,
            operations=("create",),
        ),
        Switch(
            name="charge_then_timeout",
            group="API calls",
            says="The bill is made and the money is taken at once, and no answer comes.",
            numbers=_seconds(30) | _TIMES,
            operations=("create",),
        ),
        Switch(
            name="timeout_after",
            group="API calls",
            says="The close or the refund is done, and no answer comes.",
            numbers=_seconds(30) | _TIMES,
            operations=("close", "refund"),
        ),
        Switch(
            name="server_error",
            group="API calls",
            says="A 5xx comes back, and nothing is done.",
            numbers={
                "status": Number(default=500, least=500, most=599, unit="HTTP", whole=True),
            }
            | _TIMES,
            operations=OPERATIONS,
        ),
        Switch(
            name="garbage",
            group="API calls",
            says="The call is done, and its 200 can't be read: HTML, half a JSON, NaN, a list.",
            numbers=_TIMES,
            operations=OPERATIONS,
            styles=STYLES,
        ),
        Switch(
            name="busy_close",
            group="API calls",
            says="Close answers that the shopper may be paying just now, and does nothing.",
            numbers=_TIMES,
            operations=("close",),
        ),
        Switch(
            name="down",
            group="API calls",
            says="Every API call is cut off without an answer, and no callback leaves.",
            numbers={},
        ),
        Switch(
            name="not_found_for",
            group="What a query says",
            says="So long after it was made, the bill isn't found.",
            # The adapter's `not_found_final_after` counts on this limit.
            numbers=_seconds(30, most=60),
            operations=("query",),
        ),
        Switch(
            name="pending_for",
            group="What a query says",
            says="So long after it was paid, the bill is still said to be pending.",
            numbers=_seconds(30),
            operations=("query",),
        ),
        Switch(
            name="refund_pending_for",
            group="What a query says",
            says="So long after it was made, the refund is still said to be pending.",
            numbers=_seconds(30),
            operations=("query_refund",),
        ),
        Switch(
            name="wrong_amount",
            group="What a query says",
            says="Queries and callbacks tell another amount than was paid.",
            numbers={
                "delta": Number(
                    default=-1, least=-(10**9), most=10**9, unit="minor units", whole=True
                ),
            },
            operations=("query",),
        ),
    )
}


def read_switches(
    given: object, base: Mapping[str, Mapping[str, Any]]
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Switches from outside, each over its options in `base`, and what is wrong with them."""
    if not isinstance(given, dict):
        return {}, {"body": "must be an object of switches by name"}
    found: dict[str, dict[str, Any]] = {}
    wrong: dict[str, str] = {}
    for name, options in given.items():
        switch = CATALOGUE.get(name)
        if switch is None:
            wrong[str(name)] = f"unknown; there are: {', '.join(CATALOGUE)}"
            continue
        found[name], trouble = switch.read(options, base.get(name) or switch.off())
        wrong |= trouble
    return found, wrong
