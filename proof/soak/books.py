"""The wallet's ledger against ours, to the cent: payment by payment, both ways, refunds too."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from orders.models import LedgerEntry, Order
from orders.states import WANTS_MONEY, Entry, OrderStatus
from payments.models import FurtherCapture, Payment, PaymentEvent, Refund, RefundEvent
from payments.states import IN_FOG, OPEN_REFUND, RefundReason, RefundStatus, Source, Status

RECEIVED = (Entry.APPLIED, Entry.SURPLUS)
SIGNS = {Entry.APPLIED: 1, Entry.SURPLUS: 1, Entry.REFUND: -1, Entry.BOUNCED: 1}
Bills = Mapping[str, Mapping[str, Any]]  # the wallet's, by payment


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it must be. `kind`: drop, double, or difference."""

    kind: str
    payment_no: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}  {self.payment_no}  {self.text}"


@dataclass
class Books:
    """All of both sides, read once."""

    bills: Bills
    payments: dict[str, Payment] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    entries: dict[str, list[LedgerEntry]] = field(default_factory=lambda: defaultdict(list))
    by_order: dict[int, list[LedgerEntry]] = field(default_factory=lambda: defaultdict(list))
    refunds: dict[str, list[Refund]] = field(default_factory=lambda: defaultdict(list))
    successes: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    captures: set[tuple[str, str]] = field(default_factory=set)  # payment and capture, as known
    by_callback: set[str] = field(default_factory=set)  # payments that one has ended

    def findings(self) -> list[Finding]:
        """Everything that is wrong; empty when every cent is where both sides say it is."""
        numbers = sorted(self.payments.keys() | {no for no, bill in self.bills.items() if bill})
        found = [each for number in numbers for each in self._of_payment(number)]
        return found + [each for order in self.orders.values() for each in self._of_order(order)]

    def left_to_the_statement(self) -> set[str]:
        """Payments that had ended here when the wallet took money of which it never told us.

        Nobody asks about those any more: the statement of the day is there for them. A callback
        tells of one capture, and may be late: another one may have come before it.
        """
        return {
            number
            for number, bill in self.bills.items()
            if (payment := self.payments.get(number))
            and payment.settled_at
            and (unknown := [each for each in bill["captures"] if not self._is_known(number, each)])
            and (
                number in self.by_callback
                or all(_moment(each["at"]) > payment.settled_at for each in unknown)
            )
        }

    def _is_known(self, number: str, capture: Mapping[str, Any]) -> bool:
        return (number, capture["capture_no"]) in self.captures

    def _of_payment(self, number: str) -> Iterable[Finding]:
        bill, payment = self.bills.get(number), self.payments.get(number)
        captured = bill["captured"] if bill else 0
        refunded = bill["refunded"] if bill else 0
        came = [entry for entry in self.entries[number] if entry.entry in RECEIVED]
        ours = sum(entry.amount for entry in came)
        back = ours - sum(
            SIGNS[Entry(entry.entry)] * entry.amount for entry in self.entries[number]
        )
        if payment is None:
            yield Finding(
                "drop" if captured else "difference", number, "the shop knows no such one"
            )
            return
        if captured > ours:
            yield Finding("drop", number, f"the wallet took {captured}, the orders know of {ours}")
        if captured < ours:
            yield Finding("difference", number, f"{ours} here, but the wallet took {captured}")
        if len(came) != (len(bill["captures"]) if bill else 0):
            yield Finding("double", number, f"{len(came)} entries of money that came")
        if refunded != back:
            yield Finding("difference", number, f"the wallet gave back {refunded}, we say {back}")
        if self.successes[payment.pk] > 1:
            yield Finding("double", number, f"it succeeded {self.successes[payment.pk]} times")
        yield from self._of_refunds(number, bill or {"refunds": []})

    def _of_refunds(self, number: str, bill: Mapping[str, Any]) -> Iterable[Finding]:
        """Each refund by its number."""
        theirs = {each["refund_no"]: each for each in bill["refunds"]}
        ours = {each.refund_no: each for each in self.refunds[number]}
        for refund_no in sorted(theirs.keys() | ours.keys()):
            there, here = theirs.get(refund_no), ours.get(refund_no)
            gave = there["amount"] if there and there["state"] == "succeeded" else 0
            says = here.amount if here and here.status == RefundStatus.SUCCEEDED else 0
            if gave != says:
                text = f"refund {refund_no}: the wallet gave {gave}, we say {says}"
                yield Finding("difference", number, text)

    def _of_order(self, order: Order) -> Iterable[Finding]:
        """What is still held for an order is what it cost, or nothing."""
        entries = self.by_order[order.pk]
        net = _net(entries)
        number = entries[0].payment_no if entries else ""
        applied = [each for each in entries if each.entry == Entry.APPLIED]
        if len(applied) > 1:
            yield Finding("double", number, f"{order.order_no} was paid {len(applied)} times")
        should = self._should_hold(order, applied)
        if net != should:
            kind = "double" if net > should else "difference"
            text = f"{order.order_no} is {order.status}: {net} is held for it, not {should}"
            yield Finding(kind, number, text)
        if order.status in (OrderStatus.PAID, OrderStatus.REFUNDED) and not applied:
            late = [each for each in entries if each.entry == Entry.SURPLUS]
            if order.status == OrderStatus.PAID or not late:
                yield Finding("difference", number, f"{order.order_no}: paid by nothing")

    def _should_hold(self, order: Order, applied: list[LedgerEntry]) -> int:
        if order.status != OrderStatus.PAID or not applied:
            return 0
        return order.total - self._for_the_customer(applied[0].payment_no)

    def _for_the_customer(self, number: str) -> int:
        return sum(
            refund.amount
            for refund in self.refunds[number]
            if refund.reason == RefundReason.CUSTOMER and refund.status == RefundStatus.SUCCEEDED
        )

    def conservation(self) -> str:
        """The sums, by currency: what the wallet holds is what the paid orders cost."""
        lines = []
        currencies = sorted({bill["currency"] for bill in self.bills.values()})
        for currency in currencies:
            bills = [each for each in self.bills.values() if each["currency"] == currency]
            took, gave = (sum(each[key] for each in bills) for key in ("captured", "refunded"))
            paid = [
                order
                for order in self.orders.values()
                if order.status == OrderStatus.PAID and order.currency == currency
            ]
            sold = sum(order.total for order in paid)
            part = sum(
                self._for_the_customer(entry.payment_no)
                for order in paid
                for entry in self.by_order[order.pk]
                if entry.entry == Entry.APPLIED
            )
            lines.append(
                f"{currency}: the wallet took {took}, gave back {gave}, holds {took - gave}; "
                f"{len(paid)} paid orders cost {sold}, of which {part} went back; "
                f"left over: {took - gave - sold + part}"
            )
        return "\n".join(lines)

    def times_to_truth(self) -> list[float]:
        """Seconds from the wallet's capture to the order's ledger, shortest first."""
        times = []
        for number, bill in self.bills.items():
            came = [entry for entry in self.entries[number] if entry.entry in RECEIVED]
            for capture, entry in zip(
                bill["captures"], sorted(came, key=lambda each: each.pk), strict=False
            ):
                times.append((entry.recorded_at - _moment(capture["at"])).total_seconds())
        return sorted(times)


def _moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def _net(entries: Iterable[LedgerEntry]) -> int:
    return sum(SIGNS[Entry(entry.entry)] * entry.amount for entry in entries)


def read(bills: Bills) -> Books:
    """Both sides as they are now."""
    books = Books(bills)
    books.payments = {each.payment_no: each for each in Payment.objects.order_by("pk")}
    books.captures = {(each.payment_no, each.capture_no) for each in books.payments.values()}
    further = FurtherCapture.objects.values_list("payment__payment_no", "capture_no")
    books.captures |= set(further)
    books.orders = {each.order_no: each for each in Order.objects.order_by("pk")}
    for entry in LedgerEntry.objects.order_by("pk"):
        books.entries[entry.payment_no].append(entry)
        books.by_order[entry.order_id].append(entry)
    for refund in Refund.objects.select_related("payment").order_by("pk"):
        books.refunds[refund.payment.payment_no].append(refund)
    events = PaymentEvent.objects.filter(to_status=Status.SUCCEEDED, capture=None)
    for key, number, source in events.values_list("payment_id", "payment__payment_no", "source"):
        books.successes[key] += 1
        if source == Source.CALLBACK:
            books.by_callback.add(number)
    return books


def unquiet(books: Books, *, excused: Collection[str]) -> dict[str, int]:
    """What is still under way, by kind; empty when nothing will happen any more by itself.

    Findings about the payments that are `excused` don't count.
    """
    waiting = {
        "payments in the fog": Payment.objects.filter(status__in=IN_FOG).count(),
        "orders that want money": Order.objects.filter(status__in=WANTS_MONEY).count(),
        "events not told": PaymentEvent.objects.filter(relayed_at=None).count()
        + RefundEvent.objects.filter(relayed_at=None).count(),
        "refunds under way": Refund.objects.filter(status__in=OPEN_REFUND).count(),
        "refunds under way there": sum(bill["refund_pending"] > 0 for bill in books.bills.values()),
        "findings": sum(each.payment_no not in excused for each in books.findings()),
    }
    return {kind: count for kind, count in waiting.items() if count}


def hurry(now: dt.datetime) -> None:
    """Who is impatient ends all leases, and lets orders that nobody pays be too late already."""
    Payment.objects.filter(consult_due_at__gt=now).update(consult_due_at=now)
    Refund.objects.filter(consult_due_at__gt=now).update(consult_due_at=now)
    for events in (PaymentEvent, RefundEvent):
        events.objects.filter(relay_due_at__gt=now).update(relay_due_at=now)
    open_orders = Order.objects.filter(Q(status__in=WANTS_MONEY), Q(expires_at__gt=now))
    open_orders.update(expires_at=now, close_due_at=now)
