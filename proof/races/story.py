"""An interleaving as people read it: a column for each part, a line for each step."""

import re
from collections.abc import Iterator

from proof.races.finder import Interleaving

WIDTH = 110  # characters of a statement
INDENT = 6

_COLUMNS = re.compile(r"^SELECT .*? FROM ")
_TABLE = re.compile(r'"[a-z_]+"\.')


def tell(played: Interleaving) -> str:
    """What was broken, and how it came to that."""
    return "\n".join(_lines(played))


def shorten(sql: str) -> str:
    """A statement without what nobody reads: long lists of columns, names of tables."""
    text = " ".join(sql.split())
    text = _COLUMNS.sub("SELECT … FROM ", text)
    text = _TABLE.sub("", text).replace('"', "")
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…"


def _lines(played: Interleaving) -> Iterator[str]:
    yield f"{played.pair}, seed {played.seed}"
    for what in played.broken:
        yield f"  {what}"
    yield ""
    for number, step in enumerate(played.steps, start=1):
        column = " " * INDENT * step.part
        yield f"{number:4}  {column}{played.labels[step.part]}: {shorten(step.what)}"
    yield ""
    for label, result in played.results.items():
        yield f"  {label} → {result!r}"
    yield f'Again: python -m proof.races "{played.pair}" --seed {played.seed}'
