"""The inside watch: what `workers.watch` finds and mends, on plain rows."""

import datetime as dt
from collections.abc import Callable, Iterator

from orders.states import WANTS_MONEY, Entry
from payments.states import MONEY_CAME, RefundStatus
from proof.simulator.pure import ordering
from proof.simulator.pure.relaying import (
    give_back,
    is_kept,
    origin_of,
    still_owed,
    subject_of,
    tell,
)
from proof.simulator.pure.rows import Event, LedgerRow, Order, Payment
from proof.simulator.pure.store import Store
from workers.watch import GRACE, MOST_REFUNDS, STANDS_STILL, TIME_TO_CLOSE

Finding = tuple[str, str]  # the number of what it is about, and what is wrong; "" once it is mended


def watch(store: Store, now: dt.datetime) -> None:
    """Look at everything once; what can't be mended is an alert until it is no more so."""
    for kind, look in LOOKS.items():
        with store.atomic():
            found = {subject: detail for subject, detail in look(store, now) if detail}
            for subject, detail in found.items():
                store.alert(kind, subject, detail)
            store.withdraw_all_but(kind, found)
    store.to_look_at.clear()


def _untold_payments(store: Store, now: dt.datetime) -> Iterator[Finding]:
    """Money that came, of which the order side has no ledger entry after the grace time."""
    for event in store.relays.rows():
        payment: Payment = event.of
        capture_no = event.capture.capture_no if event.capture else ""
        is_late = payment.settled_at is not None and payment.settled_at <= now - GRACE
        came = event.to in MONEY_CAME and (payment.payment_no, capture_no) not in store.ledger
        if came and is_late:
            yield payment.payment_no, _tell_again(store, event, now)


def _untold_refunds(store: Store, now: dt.datetime) -> Iterator[Finding]:
    """Refunds that succeeded, of which the order side has no entry."""
    for event in store.refund_relays.rows():
        refund = event.refund
        succeeded = event.to == refund.status == RefundStatus.SUCCEEDED
        is_late = refund.settled_at is not None and refund.settled_at <= now - GRACE
        if succeeded and is_late and (refund.refund_no, event.seq) not in store.gone:
            yield refund.refund_no, _tell_again(store, event, now)


def _tell_again(store: Store, event: Event, now: dt.datetime) -> str:
    """Tell the order side, whatever the event says of having been told; empty once it knows."""
    try:
        tell(store, event, now)
    except Exception as error:  # noqa: BLE001  (as `workers.watch`)
        return f"{subject_of(event)} could not be told: {error!r}"
    return ""


def _owed_back(store: Store, now: dt.datetime) -> Iterator[Finding]:
    """Surplus that no refund is under way for: refunded again, a few times, and then an alert."""
    for number in list(store.may_owe):
        payment = store.payments[number]
        if still_owed(payment) <= 0:
            del store.may_owe[number]  # until more comes, or a refund of it fails
            continue
        entries = [entry for entry in payment.order.ledger if _is_left(entry, number, now)]
        if entries:
            troubles = [_give_back_again(store, payment, entry, now) for entry in entries]
            yield number, " ".join(filter(None, troubles))


def _is_left(entry: LedgerRow, payment_no: str, now: dt.datetime) -> bool:
    is_surplus = entry.entry is Entry.SURPLUS and entry.payment_no == payment_no
    return is_surplus and entry.recorded_at <= now - GRACE and not is_kept(entry)


def _give_back_again(store: Store, payment: Payment, entry: LedgerRow, now: dt.datetime) -> str:
    """Ask for one more refund of this entry, each later after the one that failed before."""
    tries = [each for each in payment.refunds if each.origin.startswith(origin_of(entry))]
    if any(refund.status is not RefundStatus.FAILED for refund in tries):
        return ""
    if len(tries) >= MOST_REFUNDS:
        return f"{entry.amount}: {len(tries)} refunds have failed."
    failed_at = tries[-1].settled_at if tries else None
    if failed_at and now < failed_at + GRACE * 5 ** (len(tries) - 1):
        return ""
    trouble = give_back(store, payment, entry, now, attempt=len(tries) + 1)
    if tries and not trouble:
        store.withdraw("refund_failed", tries[-1].refund_no)
    return trouble


def _standing_still(store: Store, now: dt.datetime) -> Iterator[Finding]:
    """Closes that have not come to an end: for us to finish, or for a channel to tell."""
    long_ago = now - STANDS_STILL
    for order in list(store.closings.rows()):
        began_at = order.cancel_asked_at or order.close_asked_at or order.expires_at
        if order.status not in WANTS_MONEY or began_at > now - TIME_TO_CLOSE:
            continue
        fog = order.fog
        if fog is None:
            yield order.order_no, _finish(store, order, now)
        elif began_at <= long_ago:
            yield order.order_no, f"{fog.channel} has not said how {fog.payment_no} ended"
    # Also of orders that are paid by now: a channel could still take their money once more.
    for payment in store.consults.rows():
        if payment.in_fog and payment.close_asked_at and payment.close_asked_at <= long_ago:
            trouble = f"{payment.channel} has not said how {payment.payment_no} ended"
            yield payment.order.order_no, trouble


def _finish(store: Store, order: Order, now: dt.datetime) -> str:
    """None of its payments is in the fog: tell the order so once more, and it closes."""
    for payment in order.payments:
        last = [event for event in payment.events if event.capture is None][-1]
        if trouble := _tell_again(store, last, now):
            return trouble
    ordering.conclude(store, order, now, ledger_changed=True)
    return "" if order.status not in WANTS_MONEY else "its payments have ended, and it stays open"


def _paid_without_ledger(store: Store, now: dt.datetime) -> Iterator[Finding]:
    """Orders that say paid, and no entry says by what: of those that changed since."""
    for number in store.to_look_at:
        order = store.orders[number]
        if order.paid_at and not any(row.entry is Entry.APPLIED for row in order.ledger):
            yield number, "it says paid, and the ledger has no money that paid it"


def _sums_that_differ(store: Store, now: dt.datetime) -> Iterator[Finding]:
    """As `workers.sums`, of the orders that changed since."""
    for number in store.to_look_at:
        order = store.orders[number]
        for row in order.ledger:
            if row.entry is Entry.APPLIED and (row.amount, row.currency) != _total(order):
                yield number, f"its total is {order.total}, the ledger says {row.amount}"
        for payment in order.payments:
            entry = store.ledger.get((payment.payment_no, ""))
            if entry and (entry.amount, entry.currency) != _received(payment):
                yield number, f"{payment.payment_no} received {payment.received_amount}"
        if sum(_signed(row) for row in order.ledger) < 0:
            yield number, "more went back than came"


def _signed(row: LedgerRow) -> int:
    return -row.amount if row.entry is Entry.REFUND else row.amount


def _total(order: Order) -> tuple[int, str]:
    return order.total, order.currency


def _received(payment: Payment) -> tuple[int | None, str]:
    return payment.received_amount, payment.received_currency


LOOKS: dict[str, Callable[[Store, dt.datetime], Iterator[Finding]]] = {
    "order_untold": _untold_payments,
    "refund_untold": _untold_refunds,
    "owed_back": _owed_back,
    "close_stands_still": _standing_still,
    "paid_without_money": _paid_without_ledger,
    "ledger_differs": _sums_that_differ,
}
