"""The pictures of the README, drawn from the outcomes. The same outcomes give the same bytes."""

import math
from collections.abc import Sequence
from pathlib import Path

import svg

from proof.drill.figures import Outcome

CURVE = "drill-drops.svg"
FOUND = "drill-found-by.svg"

WIDTH, HEIGHT = 900, 400
LEFT, RIGHT, TOP, BOTTOM = 60, 20, 50, 80
COLOURS = ("#cf222e", "#bf8700", "#0969da", "#1a7f37", "#8250df", "#57606a", "#e16f24", "#218bff")
INK, GRID = "#24292f", "#d0d7de"
TICKS = {1: "1 s", 10: "10 s", 60: "1 min", 300: "5 min", 3600: "1 h", 21600: "6 h", 86400: "1 d"}
EDGES = {1.0: "1 s", 10.0: "10 s", 60.0: "1 min", 300.0: "5 min", 3600.0: "1 h", math.inf: "later"}
SOURCES = ("callback", "return", "consult", "sweep", "close", "statement", "operator", "start")
STEPS = 120  # points of a curve


def write(outcomes: Sequence[Outcome], folder: Path) -> list[Path]:
    """Write both pictures; returns where."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {CURVE: drop_curve(outcomes), FOUND: found_by(outcomes[-1])}
    for name, picture in pictures.items():
        (folder / name).write_text(f"{picture}\n")
    return [folder / name for name in pictures]


def drop_curve(outcomes: Sequence[Outcome]) -> svg.SVG:
    """How many of the payments taken the shop does not know, over the time since then."""
    last = math.log10(max(TICKS))
    drawn = [
        *_frame("Paid, and the shop does not know it", "time since the channel took the money")
    ]
    drawn += _levels([0, 20, 40, 60, 80, 100], " %")
    for at, text in TICKS.items():
        x = _x(math.log10(at) / last)
        drawn += [_line(x, _y(0), x, _y(1)), _text(text, x, _y(0) + 18, anchor="middle")]
    for colour, outcome in zip(COLOURS, outcomes, strict=False):
        points: list[svg.Point] = []
        for step in range(STEPS + 1):
            share = outcome.share_unknown(10 ** (last * step / STEPS))
            points.append(svg.Point(_x(step / STEPS), _y(share)))
        drawn.append(svg.Polyline(points=points, fill="none", stroke=colour, stroke_width=2.5))
    return _picture(drawn, [outcome.strategy for outcome in outcomes])


def found_by(outcome: Outcome) -> svg.SVG:
    """How soon the truth was known, and on which path it came."""
    counts = outcome.found_within(list(EDGES))
    names = [name for name in SOURCES if name in counts]
    names += sorted(set(counts) - set(SOURCES))
    most = max((sum(place) for place in zip(*counts.values(), strict=True)), default=0) or 1
    drawn = [*_frame(f"Time to truth, by who found it ({outcome.strategy})", "known within")]
    drawn += _levels([round(most * quarter / 4) for quarter in range(5)], "", most)
    width = (WIDTH - LEFT - RIGHT) / len(EDGES)
    for place, text in enumerate(EDGES.values()):
        x, below = LEFT + place * width, 0
        drawn.append(_text(text, x + width / 2, _y(0) + 18, anchor="middle"))
        for colour, name in zip(COLOURS, names, strict=False):
            above = below + counts[name][place]
            drawn.append(_bar(x + 0.1 * width, 0.8 * width, below / most, above / most, colour))
            below = above
    return _picture(drawn, names)


def _picture(drawn: Sequence[svg.Element], names: Sequence[str]) -> svg.SVG:
    """With its legend."""
    legend: list[svg.Element] = []
    step = (WIDTH - LEFT - RIGHT) / max(len(names), 4)
    for number, (colour, name) in enumerate(zip(COLOURS, names, strict=False)):
        x, y = round(LEFT + number * step, 1), HEIGHT - 18
        legend.append(svg.Rect(x=x, y=y, width=12, height=12, fill=colour))
        legend.append(_text(name, x + 18, y + 11))
    return svg.SVG(
        viewBox=svg.ViewBoxSpec(0, 0, WIDTH, HEIGHT),
        elements=[svg.Rect(width=WIDTH, height=HEIGHT, fill="#ffffff"), *drawn, *legend],
    )


def _frame(title: str, across: str) -> list[svg.Element]:
    middle = (LEFT + WIDTH - RIGHT) / 2
    return [
        _text(title, middle, 26, anchor="middle", size=16),
        _text(across, middle, HEIGHT - 40, anchor="middle"),
    ]


def _levels(values: Sequence[int], unit: str, most: float = 100) -> list[svg.Element]:
    drawn: list[svg.Element] = []
    for value in values:
        y = _y(value / most)
        drawn.append(_line(LEFT, y, WIDTH - RIGHT, y))
        drawn.append(_text(f"{value}{unit}", LEFT - 8, y + 4, anchor="end"))
    return drawn


def _bar(x: float, width: float, below: float, above: float, colour: str) -> svg.Rect:
    top = _y(above)
    return svg.Rect(
        x=round(x, 1), y=top, width=round(width, 1), height=round(_y(below) - top, 1), fill=colour
    )


def _line(x1: float, y1: float, x2: float, y2: float) -> svg.Line:
    return svg.Line(x1=x1, y1=y1, x2=x2, y2=y2, stroke=GRID, stroke_width=1)


def _text(text: str, x: float, y: float, *, anchor: str = "start", size: int = 13) -> svg.Text:
    return svg.Text(
        text=text,
        x=round(x, 1),
        y=round(y, 1),
        fill=INK,
        font_family="sans-serif",
        font_size=size,
        text_anchor="middle" if anchor == "middle" else "end" if anchor == "end" else "start",
    )


def _x(share: float) -> float:
    """From the left edge (0) to the right one (1)."""
    return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)


def _y(share: float) -> float:
    """From the bottom (0) to the top (1)."""
    return round(HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP), 1)
