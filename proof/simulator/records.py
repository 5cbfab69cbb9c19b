"""When the shop knew what the channel had taken, and by which way it learned it."""

import datetime as dt
from collections.abc import Sequence

from proof.simulator.system import Move, OrderView, PaymentView
from proof.simulator.world import World

CAME = ("succeeded", "mispaid")


def keep_records(world: World) -> None:
    """Have the world's records kept up to date after each step."""

    def watch(moves: Sequence[Move], orders: Sequence[OrderView]) -> None:
        now = world.clock.true_now
        for move in moves:
            record = world.records.get(move.payment_no)
            if record and not record.settled_at and not move.refund_no and move.to in CAME:
                record.settled_at, record.source = now, move.source
        for order in orders:
            _note(world, order, now)

    world.view_watchers.append(watch)


def _note(world: World, order: OrderView, now: dt.datetime) -> None:
    for payment in order.payments:
        record = world.records.get(payment.payment_no)
        if record and not record.known_at and _is_known(order, payment):
            record.known_at = now


def _is_known(order: OrderView, payment: PaymentView) -> bool:
    """The order is paid by it, or all of it has gone back."""
    applied = [entry.payment_no for entry in order.ledger if entry.entry == "applied"]
    if order.status in ("paid", "refunded") and payment.payment_no in applied:
        return True
    gone = sum(refund.amount for refund in payment.refunds if refund.status == "succeeded")
    return payment.status in CAME and gone >= payment.captured_total
