"""Lengths of time for people who read them."""

import datetime as dt


def describe_span(span: dt.timedelta) -> str:
    """A length of time at a glance: `40 ms`, `4.1 s`, `12 s`, `3 min 20 s`, `2 h`, `3 d 4 h`."""
    seconds = abs(span.total_seconds())
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for unit, part, size, part_size in (
        ("d", "h", 86400, 3600),
        ("h", "min", 3600, 60),
        ("min", "s", 60, 1),
    ):
        if whole >= size:
            rest = whole % size // part_size
            return f"{whole // size} {unit}" + (f" {rest} {part}" if rest else "")
    return f"{whole} s"


def roughly(span: dt.timedelta) -> str:
    """The largest unit alone: `5 h`."""
    return " ".join(describe_span(span).split()[:2])
