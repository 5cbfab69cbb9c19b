"""The table that this project is about."""

from collections.abc import Sequence

from proof.drill.figures import MARKS, NEVER, Outcome, per_payment

_MARKS = ("10 s", "1 min", "5 min", "1 h")
_QUANTILES = (0.5, 0.95, 0.99)
_HEAD = ("strategy", *_MARKS, "the end", "p50", "p95", "p99", "queries", "rows read")


def table(outcomes: Sequence[Outcome]) -> str:
    """One line a strategy: drops after so long, time to truth, and what that costs a payment."""
    rows = [_row(outcome) for outcome in outcomes]
    widths = [max(len(row[column]) for row in (_HEAD, *rows)) for column in range(len(_HEAD))]
    lines = [_line(row, widths) for row in (_HEAD, ["-" * width for width in widths], *rows)]
    return "\n".join([_groups(widths), *lines])


def _groups(widths: Sequence[int]) -> str:
    """What the columns below have in common."""
    spans = ((1, ""), (5, "share of drops after"), (3, "time to truth"), (2, "per payment"))
    texts, column = [], 0
    for count, text in spans:
        width = sum(widths[column : column + count]) + 2 * (count - 1)
        texts.append(text.ljust(width))
        column += count
    return "  ".join(texts).rstrip()


def _row(outcome: Outcome) -> list[str]:
    return [
        outcome.strategy,
        *(_share(outcome.share_unknown(mark)) for mark in MARKS),
        _share(outcome.share_dropped),
        *(duration(outcome.time_to_truth(quantile)) for quantile in _QUANTILES),
        f"{per_payment(outcome.queries, outcome):.1f}",
        f"{per_payment(outcome.rows_read, outcome):,.0f}",
    ]


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = row
    cells = [text.rjust(width) for text, width in zip(others, widths[1:], strict=True)]
    return "  ".join([first.ljust(widths[0]), *cells])


def _share(share: float) -> str:
    """Nothing at all is told apart from what rounds to nothing."""
    return "0" if share == 0 else f"{100 * share:.2f} %"


def duration(seconds: float) -> str:
    """For people: one unit, and never a rounded zero."""
    if seconds == NEVER:
        return "never"
    for unit, length in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.1f} s"
