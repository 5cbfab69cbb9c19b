"""The invariants I1 to I17, as far as one process can see them."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any

from payments.services.refunding.settling import LOOK_BACK
from payments.states import MONEY_CAME, MOVES, REFUND_MOVES, RefundStatus, Status
from proof.simulator.bank import Bank, Bill
from proof.simulator.system import Move, OrderView, PaymentView, RefundView
from proof.simulator.world import Violation, World

CAME = frozenset(map(str, MONEY_CAME))
# Of one payment in two days. An order that can't be closed is looked at again after a tenth of the
# time since it began, which is 65 times in 50 hours, and each look asks twice.
MOST_QUERIES = 200
TOLD = ("succeeded", "mispaid")
A_WHILE = dt.timedelta(hours=1)  # until what is due has been done


class Judge:
    """Judges what was committed after each step, and everything when the world is quiet."""

    def __init__(self, world: World, banks: Mapping[str, Bank]) -> None:
        self.world, self.banks = world, banks
        self._events: dict[str, list[Any]] = {}  # as they were judged, by payment

    def attend(self) -> None:
        self.world.view_watchers.append(self.after_step)
        self.world.acknowledged.append(self.after_acknowledgement)

    # --- safety ----------------------------------------------------------------------------------

    def after_step(self, _moves: Sequence[Move], orders: Sequence[OrderView]) -> None:
        for order in orders:
            self._check_order(order)

    def after_acknowledgement(self, channel: str, body: bytes) -> None:
        """I17: what was acknowledged as paid is known as paid, or a person was called."""
        told = json.loads(body)
        if "refund_no" in told or told["state"] != "paid":
            return
        number = str(told["payment_no"])
        known = self.world.statuses.get(number) in CAME
        if not known and number not in self.world.system.alarmed():
            self._fail("I17", order=None, about=number, what="acknowledged, and not known as paid")

    def _check_order(self, order: OrderView) -> None:
        applied = [entry for entry in order.ledger if entry.entry == "applied"]
        if len(applied) > 1:
            self._fail("I2", order, what="paid by more than one payment")
        if order.status == "paid" and not applied:
            self._fail("I3", order, what="paid, and no money was applied")
        for entry in applied:
            self._check_winner(order, entry.payment_no)
        for payment in order.payments:
            self._check_history(order, payment)
            self._check_truth(order, payment)
            self._check_refunds(order, payment)
            self._check_telling(order, payment)

    def _check_winner(self, order: OrderView, payment_no: str) -> None:
        """I3: the winner was captured at the channel, as it was asked for."""
        payment = next(each for each in order.payments if each.payment_no == payment_no)
        asked = (order.total, order.currency)
        if payment.status != Status.SUCCEEDED or (payment.amount, payment.currency) != asked:
            self._fail("I3", order, what=f"paid by {payment_no}, which is {payment.status}")

    def _check_history(self, order: OrderView, payment: PaymentView) -> None:
        """I5, I6, I7: gapless, legal, with evidence, append-only, and the status is its end."""
        events = [event[:6] for event in payment.events]
        known = self._events.get(payment.payment_no, [])
        if events[: len(known)] != known:
            self._fail("I6", order, payment.payment_no, "its history was rewritten")
        self._events[payment.payment_no] = events
        was = known[-1][2] if known else ""
        for number, (seq, before, to, _, has_evidence, is_capture) in enumerate(
            events[len(known) :], start=len(known) + 1
        ):
            if seq != number or before != was:
                self._fail("I6", order, payment.payment_no, f"event {seq} is {before} → {to}")
            legal = to == before if is_capture else not before or to in MOVES[Status(before)]
            if not legal or (seq > 1 and not has_evidence):
                self._fail("I5", order, payment.payment_no, f"{before} → {to} is not legal")
            was = to
        if payment.status != was or payment.version != len(payment.events):
            self._fail(
                "I6", order, payment.payment_no, f"{payment.status}, but its events say {was}"
            )

    def _check_truth(self, order: OrderView, payment: PaymentView) -> None:
        """I10: money that we say came has come, just so much of it."""
        if payment.status not in CAME:
            if payment.captured_total:
                self._fail("I1", order, payment.payment_no, "money without an end")
            return
        bill = self._bill(payment)
        if bill is None:
            self._fail("I10", order, payment.payment_no, "the channel has no such bill")
        elif not bill.is_belied:
            taken = [(each.amount, each.currency) for each in bill.captures]
            came = (payment.received_amount, payment.received_currency)
            if came not in taken or payment.captured_total > bill.captured:
                self._fail(
                    "I10", order, payment.payment_no, f"the channel took {taken}, not {came}"
                )
        if payment.status == Status.SUCCEEDED and (
            (payment.received_amount, payment.received_currency, payment.received_merchant)
            != (payment.amount, payment.currency, payment.merchant)
        ):
            self._fail("I10", order, payment.payment_no, "succeeded with other money")

    def _check_refunds(self, order: OrderView, payment: PaymentView) -> None:
        """I11: never more goes back than came; each refund's history is legal."""
        going = sum(each.amount for each in payment.refunds if each.status != RefundStatus.FAILED)
        if going != payment.refund_total or payment.refund_total > payment.captured_total:
            self._fail("I11", order, payment.payment_no, f"{payment.refund_total} going back")
        for refund in payment.refunds:
            self._check_refund_history(order, refund)
        bank, bill = self.banks[payment.channel], self._bill(payment)
        gone = bank.gone(payment.payment_no)
        if bill and gone > bill.captured:
            self._fail("I11", order, payment.payment_no, f"{gone} went back of {bill.captured}")

    def _check_refund_history(self, order: OrderView, refund: RefundView) -> None:
        was = ""
        for number, (seq, before, to) in enumerate(refund.events, start=1):
            legal = not before or to in REFUND_MOVES[RefundStatus(before)]
            if seq != number or before != was or not legal:
                self._fail("I6", order, refund.refund_no, f"event {seq} is {before} → {to}")
            was = to
        if was != refund.status or refund.version != len(refund.events):
            self._fail("I6", order, refund.refund_no, f"{refund.status}, but its events say {was}")

    def _check_telling(self, order: OrderView, payment: PaymentView) -> None:
        """I12: what is told is in the ledger, and once; what is in the ledger was told."""
        received = [
            entry
            for entry in order.ledger
            if entry.payment_no == payment.payment_no and not entry.refund_no
        ]
        told = sum(event[6] for event in payment.events if event[2] in TOLD)
        if len(received) < told:
            self._fail("I12", order, payment.payment_no, f"told {told}, received {len(received)}")
        if sum(entry.amount for entry in received) > payment.captured_total:
            self._fail("I12", order, payment.payment_no, "the ledger has more than came")

    # --- when it is quiet ------------------------------------------------------------------------

    def at_the_end(self) -> None:
        """I1, I4, I12 and I13: no drop, no double, nothing left to tell, no storm of questions."""
        world = self.world
        alarmed = world.system.alarmed()
        for order in world.system.views(world.system.all_orders()):
            self._check_order(order)
            self._check_money(order, alarmed)
        for record in world.records.values():
            if record.queries > MOST_QUERIES:
                about = (record.payment_no, record.order_no)
                raise Violation("I13", about, f"the channel was asked {record.queries} times")
        late = world.system.due_times().get("workers.relay_due")
        if late and late < world.clock.true_now:
            raise Violation("I12", (), f"an event waits since {late} to be told")

    def _check_money(self, order: OrderView, alarmed: set[str]) -> None:
        """I1 and I4 of one order."""
        unknown_since = self.world.clock.true_now - LOOK_BACK[0] - A_WHILE
        for payment in order.payments:
            number = payment.payment_no
            numbers = {number, order.order_no, *(each.refund_no for each in payment.refunds)}
            if numbers & alarmed:
                continue  # a person was called
            bank, bill = self.banks[payment.channel], self._bill(payment)
            if bank.has_bounced_since(number, unknown_since):
                continue  # its callback may be lost, and the channel is asked again next day
            held = bank.held(number)
            kept = self._kept(order, payment)
            if held != kept:
                self._fail("I4", order, number, f"the channel holds {held}, the shop sold {kept}")
            if payment.status not in CAME and bill and bill.captures:
                self._fail("I4", order, number, f"dropped: it is {payment.status}")
            if payment.captured_total != (bill.captured if bill else 0):
                self._fail("I1", order, number, f"we know of {payment.captured_total}")
            is_open = payment.status in ("created", "paying")
            if is_open:
                self._fail("I4", order, number, f"still {payment.status}, and nobody was called")

    def _kept(self, order: OrderView, payment: PaymentView) -> int:
        """What of this payment's money the shop has sold something for."""
        entries = [each for each in order.ledger if each.payment_no == payment.payment_no]
        applied = sum(each.amount for each in entries if each.entry == "applied")
        customer = {each.refund_no for each in payment.refunds if each.reason == "customer"}
        back = sum(
            each.amount for each in entries if each.refund_no in customer and each.entry == "refund"
        )
        bounced = sum(
            each.amount
            for each in entries
            if each.refund_no in customer and each.entry == "bounced"
        )
        return applied - back + bounced

    def _bill(self, payment: PaymentView) -> Bill | None:
        return self.banks[payment.channel].bills.get(payment.payment_no)

    def _fail(self, rule: str, order: OrderView | None, about: str = "", what: str = "") -> None:
        numbers = [about] if about else []
        if order:
            numbers += [order.order_no, *(each.payment_no for each in order.payments)]
            numbers += [each.refund_no for payment in order.payments for each in payment.refunds]
        raise Violation(rule, tuple(numbers), what)
