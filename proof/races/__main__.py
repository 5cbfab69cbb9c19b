"""`python -m proof.races`: many interleavings of each critical pair, or one of them again."""

import argparse
import sys

from proof.races.database import database

SEEDS = 500


def main() -> int:
    """0 where nothing was found."""
    args = _arguments()
    with database():
        from proof.races.explore import explore_all, replay  # noqa: PLC0415  (needs Django)

        if args.seed is not None:
            return replay(pair=args.pair, seed=args.seed, depth=args.depth)
        seeds = range(args.start, args.start + args.seeds)
        return explore_all(
            pair=args.pair,
            seeds=seeds,
            depth=args.depth,
            keep_on=args.keep_on,
            exit_first=args.exit_first,
        )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m proof.races", description=__doc__)
    parser.add_argument("pair", nargs="?", help='such as "close/settle"; all of them without')
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many for each pair")
    parser.add_argument("--start", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="play this one again, and tell its story")
    parser.add_argument("--depth", type=int, help="few preemptions: one less than this")
    parser.add_argument(
        "--keep-on", action="store_true", help="count all finds of a pair, not only the first"
    )
    parser.add_argument("--exit-first", action="store_true", help="end with the first find")
    args = parser.parse_args()
    if args.seed is not None and not args.pair:
        parser.error("name the pair whose seed is to be played again")
    return args


if __name__ == "__main__":
    sys.exit(main())
