"""Whether the parts that nobody watches are alive."""

import datetime as dt
from typing import Any

from common.spans import describe_span
from payments import health
from workers.dashboard.tiles import Tile, listed

NAMES = {"beat": "Beat", "sweep": "Sweep", "relay": "Relay", "watch": "Inside watch"}


def alive(seen: dict[str, Any]) -> list[Tile]:
    """The servers, and the heartbeats."""
    beats = seen["heartbeats"]
    return [*_servers(seen), *(_heartbeat(name, beats[name]) for name in beats)]


def _servers(seen: dict[str, Any]) -> list[Tile]:
    return [
        Tile(title, seen[key], note, mood="" if seen[key] == "ok" else "bad")
        for key, title, note in (
            ("database", "PostgreSQL", "the record"),
            ("redis", "Redis", "wake-ups, push, counters"),
        )
    ]


def _heartbeat(name: str, beat: dict[str, Any]) -> Tile:
    age, mood = beat["age_seconds"], "bad" if beat["stale"] else ""
    limit = describe_span(dt.timedelta(seconds=health.STALE_AFTER[name]))
    figure = "never seen" if age is None else f"{describe_span(dt.timedelta(seconds=age))} ago"
    return Tile(
        NAMES.get(name, name),
        figure,
        f"stale after {limit}",
        listed("django_celery_beat_periodictask"),
        mood,
    )
