"""What the drill prints, and whether it has failed. The same outcomes print the same text."""

from collections.abc import Sequence

from proof.drill.figures import Outcome
from proof.drill.storms import split
from proof.drill.table import table

FULL = "everything"


def report(outcomes: Sequence[Outcome], *, seed: int, orders: int) -> bool:
    """Print the table, and the story of the first bad payment; True if the full design failed."""
    storms = len(split(seed=seed, orders=orders))
    among = f" in {storms} storms" if storms > 1 else ""
    print(f"seed {seed}, {orders} orders{among} for each strategy")
    print()
    print(table(outcomes))
    print()
    full = next(outcome for outcome in outcomes if outcome.strategy == FULL)
    print(_verdict(full))
    if full.is_sound:
        return False
    print(f"\nThe story of the first bad payment (again: {full.again}):\n\n{full.story}")
    return True


def _verdict(full: Outcome) -> str:
    """In one line; and a line for each rule that does not hold."""
    taken, started = len(full.taken), full.payments
    found = f"{FULL}: {started} payments started, {taken} taken"
    told = f"{full.drops} dropped, {full.doubles} doubled"
    return "\n".join([f"{found}, {told}", *(f"broken: {rule}" for rule in full.broken)])
