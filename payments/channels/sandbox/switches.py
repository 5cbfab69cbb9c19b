"""The catalogue of the fault switches.

A new fault is one entry here and one `board.strikes(...)` at the place where it does its harm.
"""

from collections.abc import Mapping
from typing import Any

from payments.channels.sandbox.switch import Number, Switch

OPERATIONS = ("create", "query", "close", "refund", "query_refund", "statement")
STYLES = ("html", "truncated", "nan", "list")


def _seconds(default: float, most: float = 86_400) -> dict[str, Number]:
    return {"seconds": Number(default=default, least=0, most=most, unit="seconds")}


# Of each payment only the first calls are hit, so that a retry may get through.
_TIMES = {"times": Number(default=0, least=0, most=1000, unit="calls (0: all)", whole=True)}

_DELTA = {"delta": Number(default=-1, least=-(10**9), most=10**9, unit="minor units", whole=True)}
_LINES = {"lines": Number(default=1, least=1, most=1000, unit="lines", whole=True)}

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
            says="The close or the refund is done, and its answer is lost: none comes.",
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
            name="wrong_amount",
            group="What a query says",
            says="Queries and callbacks tell a wrong amount of the bill and of its first capture;"
            " the statement tells the truth.",
            numbers=_DELTA,
            operations=("query",),
        ),
        Switch(
            name="late_success",
            group="Money",
            says="The money of a bill that was closed, expired or cancelled is taken all the same,"
            " so long after.",
            numbers=_seconds(5),
        ),
        Switch(
            name="double_charge",
            group="Money",
            says="The money is taken twice, the second time so long after the first; each capture"
            " has its number and its callback.",
            numbers=_seconds(0),
        ),
        Switch(
            name="refuse_refund",
            group="Refunds",
            says="The refund is refused, and nothing is done: the account has too little money.",
            numbers=_TIMES,
            operations=("refund",),
        ),
        Switch(
            name="refund_pending_for",
            group="Refunds",
            says="The refund is accepted, and succeeds so long after.",
            numbers=_seconds(30) | _TIMES,
            operations=("refund",),
        ),
        Switch(
            name="refund_fails_later",
            group="Refunds",
            says="The refund is accepted, and fails so long after: the money stays where it is.",
            numbers=_seconds(5) | _TIMES,
            operations=("refund",),
        ),
        Switch(
            name="statement_missing_line",
            group="The statement",
            says="The day's first lines are left out; with a payment's own switch, that payment's.",
            numbers=_LINES,
        ),
        Switch(
            name="statement_extra_line",
            group="The statement",
            says="At its end there are lines of payments that nobody made.",
            numbers=_LINES,
        ),
        Switch(
            name="statement_wrong_amount",
            group="The statement",
            says="The first line has a wrong amount; with a payment's own switch, that payment's"
            " first line.",
            numbers=_DELTA,
        ),
        Switch(
            name="statement_late",
            group="The statement",
            says="It is not ready until so long after the day's end.",
            numbers=_seconds(21_600, most=2_592_000),
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
