"""`python -m proof.model [--quick]`: check the model, and that it finds each planted bug.

Prints a table. Exits with 1 when the model as the code is does not hold, or a bug is not found.
"""

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from proof.model.configurations import CONFIGURATIONS, HOLDS, Configuration
from proof.model.tlc import Checked, NoJava, check, find_tlc

AT_ONCE = 2


def check_all(configurations: Sequence[Configuration]) -> list[Checked]:
    """Check some, two at once; in their order. Raises `NoJava`, `TlcBroke`."""
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        return list(pool.map(check, configurations))


def table(results: Sequence[Checked]) -> str:
    """A row for each configuration: what it is, how much was seen, and what came of it."""
    rows = [("configuration", "states", "seconds", "")]
    rows += [
        (_name(each), f"{each.states:,}", f"{each.seconds:.1f}", _outcome(each)) for each in results
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(
        f"{name:<{widths[0]}}  {states:>{widths[1]}}  {seconds:>{widths[2]}}  {outcome}".rstrip()
        for name, states, seconds, outcome in rows
    )


def _name(result: Checked) -> str:
    configuration = result.configuration
    kind = "" if configuration.expected == HOLDS else "bug: "
    return f"{configuration.module}: {kind}{configuration.name}"


def _outcome(result: Checked) -> str:
    outcome = f"violates {result.violated}" if result.violated else "holds"
    return outcome if result.as_expected else f"{outcome}  <-- NOT AS EXPECTED"


def report(configurations: Sequence[Configuration]) -> int:
    """Check them and print the table; 1 when something is not as expected. Raises `TlcBroke`."""
    try:
        find_tlc()
    except NoJava as error:
        print(error)
        return 0
    results = check_all(configurations)
    wrong = sum(not result.as_expected for result in results)
    bugs = sum(result.configuration.expected != HOLDS for result in results)
    print(table(results))
    print()
    print(f"{wrong} not as expected" if wrong else f"{len(results) - bugs} hold, {bugs} bugs found")
    return 1 if wrong else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m proof.model", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="leave out what takes minutes")
    quick = parser.parse_args().quick
    return report([each for each in CONFIGURATIONS if not (quick and each.thorough)])


if __name__ == "__main__":
    sys.exit(main())
