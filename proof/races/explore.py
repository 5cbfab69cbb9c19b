"""What the command does: explore pairs and print the table, or play one seed again."""

from collections.abc import Sequence

from proof.races.finder import Exploration, explore, play, prepare
from proof.races.pairs import PAIRS, Pair
from proof.races.stage import stage
from proof.races.story import tell

ROW = "{:<20}{:>7}{:>9}{:>12}{:>8}{:>8}{:>11}{:>7}"


def explore_all(
    *,
    pair: str | None,
    seeds: Sequence[int],
    depth: int | None,
    keep_on: bool,
    exit_first: bool,
) -> int:
    """Print a row for each pair and the story of its first find; 1 where something was found."""
    print(
        ROW.format("pair", "seeds", "seconds", "a second", "orders", "waits", "deadlocks", "finds")
    )
    finds = 0
    with stage() as built:
        for each in _chosen(pair):
            found = explore(built, each, seeds, depth=depth, stop_at_first=not keep_on)
            finds += len(found.finds)
            print(row(found), flush=True)
            if found.finds:
                print(f"\n{tell(found.finds[0])}\n", flush=True)
            if found.finds and exit_first:
                break
    return 1 if finds else 0


def replay(*, pair: str, seed: int, depth: int | None) -> int:
    """Print the story of one interleaving; 1 where it breaks something."""
    (chosen,) = _chosen(pair)
    with stage() as built, chosen.conditions():
        prepare(built, chosen)
        played = play(built, chosen, seed, depth=depth)
    print(tell(played))
    return 1 if played.broken else 0


def row(found: Exploration) -> str:
    speed = found.seeds / found.seconds
    return ROW.format(
        found.pair,
        found.seeds,
        f"{found.seconds:.1f}",
        f"{speed:.0f}",
        len(found.different),
        found.waits,
        found.deadlocks,
        len(found.finds),
    )


def _chosen(pair: str | None) -> list[Pair]:
    if pair and pair not in PAIRS:
        raise SystemExit(f"there is no pair {pair!r}; there are: {', '.join(PAIRS)}")
    return [each() for name, each in PAIRS.items() if pair in (None, name)]
