"""`python -m proof.simulator 1-50`: run seeds until one fails, and tell its story.

Needs `DATABASE_URL` and `REDIS_URL` of servers to test against; without them embedded ones are
started for the length of the run.
"""

import argparse
import os
import secrets
import sys
import time
from collections import Counter
from collections.abc import Iterator

from config import embedded


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m proof.simulator", description=__doc__)
    parser.add_argument("seeds", nargs="+", help="numbers, or ranges such as 1-50")
    parser.add_argument("--orders", type=int, default=60)
    parser.add_argument("--keep-going", action="store_true", help="run the others all the same")
    parser.add_argument("--story", action="store_true", help="the whole trace of a failing seed")
    asked = parser.parse_args()
    os.environ.setdefault("NODROP_DATA", f"/var/tmp/nodrop-sim-{secrets.token_hex(4)}")  # noqa: S108
    with embedded.lease(throwaway=True):
        return _run(asked)


def _run(asked: argparse.Namespace) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django  # noqa: PLC0415  (the servers come first)

    django.setup()
    from django.db import connection  # noqa: PLC0415

    from proof.simulator.clock import EVENING, START  # noqa: PLC0415
    from proof.simulator.coverage import Coverage, table  # noqa: PLC0415
    from proof.simulator.play import play  # noqa: PLC0415
    from proof.simulator.world import Plan  # noqa: PLC0415

    keeps = "PROOF_KEEPDB" in os.environ  # it is there, with its tables
    connection.creation.create_test_db(verbosity=0, serialize=False, keepdb=keeps)
    failed, coverage, points, began = [], Coverage(), Counter[str](), time.monotonic()
    lives = 0
    for seed in _seeds(asked.seeds):
        outcome = play(seed, plan=Plan(orders=asked.orders, begins=EVENING if seed % 2 else START))
        coverage.add(outcome.coverage)
        points.update(outcome.points)
        lives += outcome.lives
        print(outcome, flush=True)
        if outcome.violation:
            print(outcome.tell(everything=asked.story))
            failed.append(seed)
            if not asked.keep_going:
                break
    print(table(coverage.seen))
    print(dict(sorted(points.items())))
    seconds = time.monotonic() - began
    print(
        f"{lives} payments in {seconds:.0f} s: {lives / seconds:.1f} /s; failed: {failed or 'none'}"
    )
    connection.creation.destroy_test_db(connection.settings_dict["NAME"], verbosity=0, keepdb=keeps)
    return 1 if failed else 0


def _seeds(texts: list[str]) -> Iterator[int]:
    for text in texts:
        first, _, last = text.partition("-")
        yield from range(int(first), int(last or first) + 1)


if __name__ == "__main__":
    sys.exit(main())
