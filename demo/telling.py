"""How every story begins and ends on the terminal."""

from config.processes import Processes
from demo import shopper
from demo.results import Result, look, seconds
from demo.screen import Screen


def begin(title: str, parts: Processes) -> tuple[shopper.Purchase, Screen]:
    """Say what comes, and start to buy an umbrella."""
    print(f"\n{title}", flush=True)
    purchase = shopper.place_and_start(web=parts.url("web"))
    print(f"  order {purchase.order_no}, payment {purchase.payment_no}", flush=True)
    return purchase, Screen(purchase)


def end(title: str, purchase: shopper.Purchase, screen: Screen, parts: Processes) -> Result:
    """Say how it ended."""
    screen.show()
    result = look(title, purchase, wallet=parts.url("wallet"))
    truth, found_by = seconds(result.time_to_truth), result.found_by
    print(f"time-to-truth: {truth} (found by {found_by})", flush=True)
    return result
