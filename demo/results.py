"""How the stories ended: what the wallet took, against what the order side has."""

from collections.abc import Sequence
from dataclasses import dataclass

from demo import shopper
from orders.models import LedgerEntry, Order
from orders.states import Entry, OrderStatus
from payments.models import Payment, PaymentEvent
from payments.states import Source, Status


@dataclass(frozen=True, slots=True)
class Result:
    """How a story ended. `time_to_truth` is from the wallet's payment to the paid order (seconds);
    amounts are minor units: `took` and `gave_back` by the wallet's ledger, `total` by the order.
    """

    title: str
    found_by: str
    time_to_truth: float | None
    settlements: int
    took: int
    gave_back: int
    total: int
    paid_once: bool


def look(title: str, purchase: shopper.Purchase, *, wallet: str) -> Result:
    """Compare what the wallet has with what the order side has."""
    payment = Payment.objects.get(payment_no=purchase.payment_no)
    order = Order.objects.get(order_no=purchase.order_no)
    settled = PaymentEvent.objects.filter(payment=payment, to_status=Status.SUCCEEDED, capture=None)
    applied = LedgerEntry.objects.filter(order=order, entry=Entry.APPLIED)
    took, gave_back = shopper.taken_and_given_back(purchase, wallet=wallet)
    paid_once = (
        order.status == OrderStatus.PAID
        and settled.count() == 1
        and [entry.amount for entry in applied] == [order.total]
        and took - gave_back == order.total
    )
    truth = order.paid_at and payment.paid_at and order.paid_at - payment.paid_at
    return Result(
        title=title,
        found_by=_finder(payment, settled.first()),
        time_to_truth=truth.total_seconds() if truth else None,
        settlements=settled.count(),
        took=took,
        gave_back=gave_back,
        total=order.total if order.status == OrderStatus.PAID else 0,
        paid_once=paid_once,
    )


def table(results: Sequence[Result]) -> str:
    """The stories side by side, and below them whether money was conserved."""
    head = ("story", "found by", "time to truth", "settlements", "taken", "given back")
    rows = [(*head, "paid exactly once")]
    rows += [
        (
            result.title,
            result.found_by,
            seconds(result.time_to_truth),
            str(result.settlements),
            _money(result.took),
            _money(result.gave_back),
            "yes" if result.paid_once else "NO",
        )
        for result in results
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    rule = "  ".join("-" * width for width in widths)
    return "\n".join(["", lines[0], rule, *lines[1:], "", conservation(results)])


def conservation(results: Sequence[Result]) -> str:
    """What the wallet took and gave back, and what the paid orders cost: nothing is left over."""
    took = sum(result.took for result in results)
    gave_back = sum(result.gave_back for result in results)
    sold = sum(result.total for result in results)
    owed = took - gave_back - sold
    return (
        f"the wallet took {_money(took)} and gave back {_money(gave_back)}; "
        f"the paid orders cost {_money(sold)}; owed back: {_money(owed)}"
    )


def seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f} s"


def _money(amount: int) -> str:
    return f"{amount // 100}.{amount % 100:02}"


def _finder(payment: Payment, event: PaymentEvent | None) -> str:
    if event is None:
        return "nobody"
    if event.source in (Source.CONSULT, Source.RETURN):
        return f"consult {payment.consults}"
    return {Source.SWEEP: "the sweep", Source.CLOSE: "the close"}.get(
        Source(event.source), str(event.source)
    )
