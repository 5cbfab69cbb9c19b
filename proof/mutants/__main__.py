"""`python -m proof.mutants`: plant each bug of the bank, and see which tier finds it."""

import argparse
import re
import sys
from collections.abc import Sequence

from proof.mutants.bank import BANK
from proof.mutants.bench import try_all
from proof.mutants.mutant import Mutant, planted
from proof.mutants.slot import ROOT, Outcome
from proof.mutants.tiers import TIERS, Tier

LIMIT = 600.0  # seconds of one tier
SOUND = Mutant("(no bug at all)", (), ("tests/payments", "tests/orders", "tests/workers"))


def main() -> int:
    """0 where each bug is found by a tier, and none of them finds one where there is none."""
    args = _arguments()
    for bug in BANK:
        planted(bug, ROOT)  # all of them, before the first one is tried
    tiers = [tier for tier in TIERS if args.tiers is None or tier.name in args.tiers.split(",")]
    chosen = [bug for bug in BANK if re.search(args.only, bug.name)]
    _print_row("bug", {tier.name: tier.name for tier in tiers})
    bugs = chosen if args.only else [SOUND, *chosen]
    tried = try_all(bugs, [tier.name for tier in tiers], jobs=args.jobs, limit=args.limit)
    verdicts = [_judge(bug, outcomes, tiers) for bug, outcomes in tried]
    killed = sum(verdicts)
    print(f"{killed} of {len(verdicts)} found")
    return 0 if killed == len(verdicts) else 1


def _judge(bug: Mutant, outcomes: Sequence[Outcome], tiers: Sequence[Tier]) -> bool:
    """Print the row; whether all is as it should be."""
    cells = {each.tier: _cell(each) for each in outcomes}
    _print_row(bug.name, {tier.name: cells.get(tier.name, "") for tier in tiers})
    for each in outcomes:
        if each.trouble:
            print(f"    {each.tier}: {each.trouble}")
    found = any(each.found for each in outcomes)
    if bug is SOUND:
        return not found and not any(each.trouble for each in outcomes)
    if not found:
        print(f"    nobody finds this: {bug.name}")
    return found


def _cell(outcome: Outcome) -> str:
    if outcome.trouble:
        return "?"
    return f"{'found' if outcome.found else '-'} {outcome.seconds:.0f} s"


def _print_row(name: str, cells: dict[str, str]) -> None:
    print(f"{name:<66}", *(f"{cell:<11}" for cell in cells.values()), sep="", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m proof.mutants", description=__doc__)
    parser.add_argument("--only", default="", help="the bugs whose names match this pattern")
    parser.add_argument("--tiers", help=f"some of: {','.join(tier.name for tier in TIERS)}")
    parser.add_argument("--jobs", type=int, default=2, help="how many at once")
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds that a tier may take")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
