"""`python -m proof.simulator 1-50`: run seeds until one fails, and tell its story.

Needs `DATABASE_URL` and `REDIS_URL` of servers to test against; without them embedded ones are
started for the length of the run. With `--pure` the shop is in memory, and needs no server.
"""

import argparse
import os
import secrets
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from config import embedded


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m proof.simulator", description=__doc__)
    parser.add_argument("seeds", nargs="+", help="numbers, or ranges such as 1-50")
    parser.add_argument("--orders", type=int, default=60)
    parser.add_argument("--pure", action="store_true", help="the shop in memory")
    parser.add_argument("--keep-going", action="store_true", help="run the others all the same")
    parser.add_argument("--story", action="store_true", help="the whole trace of a failing seed")
    asked = parser.parse_args()
    os.environ.setdefault("NODROP_DATA", f"/var/tmp/nodrop-sim-{secrets.token_hex(4)}")  # noqa: S108
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    with nullcontext() if asked.pure else _database():
        return _run(asked)


@contextmanager
def _database() -> Iterator[None]:
    with embedded.lease(throwaway=True):
        import django  # noqa: PLC0415  (the servers come first)

        django.setup()
        from django.db import connection  # noqa: PLC0415

        keeps = "PROOF_KEEPDB" in os.environ  # it is there, with its tables
        connection.creation.create_test_db(verbosity=0, serialize=False, keepdb=keeps)
        yield
        name = str(connection.settings_dict["NAME"])
        connection.creation.destroy_test_db(name, verbosity=0, keepdb=keeps)


def _run(asked: argparse.Namespace) -> int:
    import django  # noqa: PLC0415  (as above)

    django.setup()
    from proof.simulator.coverage import Coverage, table  # noqa: PLC0415
    from proof.simulator.play import Outcome, plan_of, play  # noqa: PLC0415
    from proof.simulator.pure.play import play as play_pure  # noqa: PLC0415

    failed, coverage, points, began = [], Coverage(), Counter[str](), time.monotonic()
    lives = 0
    for seed in _seeds(asked.seeds):
        plan = plan_of(seed, asked.orders)
        if asked.pure:
            started = time.process_time()
            world, violation = play_pure(seed, plan=plan)
            outcome = Outcome(seed, world, violation, time.process_time() - started)
        else:
            outcome = play(seed, plan=plan)
        coverage.add(outcome.coverage)
        points.update(outcome.points)
        lives += outcome.lives
        print(outcome, flush=True)
        if outcome.violation:
            print(outcome.tell(everything=asked.story))
            print("" if asked.pure else outcome.keep())
            failed.append(seed)
            if not asked.keep_going:
                break
    print(table(coverage.seen))
    print(dict(sorted(points.items())))
    seconds = time.monotonic() - began
    print(
        f"{lives} payments in {seconds:.0f} s: {lives / seconds:.1f} /s; failed: {failed or 'none'}"
    )
    return 1 if failed else 0


def _seeds(texts: list[str]) -> Iterator[int]:
    for text in texts:
        first, _, last = text.partition("-")
        yield from range(int(first), int(last or first) + 1)


if __name__ == "__main__":
    sys.exit(main())
