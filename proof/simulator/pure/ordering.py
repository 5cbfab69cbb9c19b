"""The order side: what `orders.services` does, on plain rows."""

import datetime as dt
from collections import Counter

from django.conf import settings

from common.kill_points import reach
from orders.errors import MoneyNotKnownYet, OrderNotCancellable, OrderNotPayable
from orders.services.closing import BATCH, LOOK_AGAIN
from orders.states import WANTS_MONEY, AttemptStatus, Entry, OrderStatus, Why
from proof.simulator.pure.rows import Attempt, LedgerRow, Order
from proof.simulator.pure.store import Store


def place_order(
    store: Store,
    *,
    key: str,
    quantities: dict[str, int],
    total: int,
    currency: str,
    now: dt.datetime,
) -> Order | None:
    """Place an order, once for each key; None if its goods can't be had."""
    with store.atomic():
        earlier = store.orders_by_key.get(key)
        if earlier:
            return earlier
        reserved = _reserve(store, quantities)
        if reserved is None:
            return None
        pk = store.next_pk()
        expires_at = now + dt.timedelta(seconds=settings.ORDER_EXPIRES_AFTER)
        order = Order(
            pk=pk,
            order_no=f"N{pk:015}",
            total=total,
            currency=currency,
            quantities=quantities,
            created_at=now,
            expires_at=expires_at,
            close_due_at=expires_at,
            reserved=reserved,
        )
        store.orders[order.order_no] = store.orders_by_key[key] = order
        store.closings.put(pk, order)
        store.changed[order.order_no] = None
    return order


def expect_payment(store: Store, order: Order, payment_no: str, seq: int, now: dt.datetime) -> None:
    """Note that a payment is started."""
    if note_attempt(order, payment_no, AttemptStatus.OPEN, seq):
        conclude(store, order, now)


def refuse_payment(order: Order, now: dt.datetime) -> None:
    """Raise `OrderNotPayable` when the order takes no money (any more)."""
    is_over = order.close_asked_at or order.expires_at <= now
    if order.status not in WANTS_MONEY or order.cancel_asked_at or is_over:
        raise OrderNotPayable


def record_attempt(
    store: Store, order: Order, payment_no: str, seq: int, *, over: bool, now: dt.datetime
) -> None:
    """Note where a payment without money stands: still open, or over."""
    if note_attempt(order, payment_no, AttemptStatus.OVER if over else AttemptStatus.OPEN, seq):
        conclude(store, order, now)


def note_attempt(order: Order, payment_no: str, status: AttemptStatus, seq: int) -> bool:
    """Note the newest state of a payment; False when nothing about it is new (or in its order)."""
    attempt = order.attempts.get(payment_no)
    if attempt is None:
        order.attempts[payment_no] = Attempt(status, seq)
        return True
    if seq <= attempt.seq:
        return False
    changed = attempt.status is not status
    attempt.status, attempt.seq = status, seq
    return changed


def record_money(
    store: Store,
    order: Order,
    *,
    payment_no: str,
    capture_no: str,
    seq: int,
    amount: int,
    currency: str,
    why: Why | None,
    now: dt.datetime,
) -> LedgerRow | None:
    """Record money that came: it pays the order, or it is surplus. None for a repeat.

    `why` is given for what is surplus whatever the order's state.
    """
    note_attempt(order, payment_no, AttemptStatus.RECEIVED, seq)
    if (payment_no, capture_no) in store.ledger:
        return None
    why = why or _why_surplus(store, order, amount, currency)
    entry = LedgerRow(
        order=order,
        payment_no=payment_no,
        amount=amount,
        currency=currency,
        entry=Entry.SURPLUS if why else Entry.APPLIED,
        recorded_at=now,
        capture_no=capture_no,
        why=why,
    )
    store.ledger[payment_no, capture_no] = entry
    order.ledger.append(entry)
    if why:
        store.may_owe[payment_no] = None
    else:
        if order.status not in WANTS_MONEY:
            order.revived_at = now
        order.paid_at = now
        order.stock_held = True
    conclude(store, order, now)
    return entry


def _why_surplus(store: Store, order: Order, amount: int, currency: str) -> Why | None:
    if (order.total, order.currency) != (amount, currency):
        return Why.MISPAID
    if order.status in WANTS_MONEY or _is_revived(store, order):
        return None
    return Why.SECOND if order.paid_at else Why.LATE


def _is_revived(store: Store, order: Order) -> bool:
    if order.status is not OrderStatus.CLOSED or settings.LATE_MONEY != "revive":
        return False
    reserved = _reserve(store, order.quantities)
    if reserved is None:
        return False
    order.reserved = reserved
    return True


def note_refund(store: Store, order: Order, now: dt.datetime) -> None:
    """A refund was asked for, accepted, or refused."""
    conclude(store, order, now)


def record_gone(
    store: Store,
    order: Order,
    *,
    payment_no: str,
    refund_no: str,
    seq: int,
    amount: int,
    currency: str,
    came_back: bool,
    now: dt.datetime,
) -> None:
    """Record that money went back, or that it came back to us. Repeats are no-ops."""
    if (refund_no, seq) in store.gone:
        return
    if not came_back and not any(
        row.payment_no == payment_no and not row.refund_no for row in order.ledger
    ):
        raise MoneyNotKnownYet
    row = LedgerRow(
        order=order,
        payment_no=payment_no,
        amount=amount,
        currency=currency,
        entry=Entry.BOUNCED if came_back else Entry.REFUND,
        recorded_at=now,
        refund_no=refund_no,
        refund_seq=seq,
    )
    store.gone[refund_no, seq] = row
    order.ledger.append(row)
    if came_back:
        store.alert("refund_bounced", refund_no)
        order.refunded_at = None
    conclude(store, order, now, ledger_changed=True)


def cancel_order(store: Store, order: Order, now: dt.datetime) -> None:
    """Ask that the order be cancelled. Raises `OrderNotCancellable`."""
    with store.atomic():
        if order.status is OrderStatus.CANCELLED:
            return
        if order.status not in WANTS_MONEY:
            raise OrderNotCancellable
        if order.cancel_asked_at is None:
            order.cancel_asked_at = now
            _due_again(store, order, now + LOOK_AGAIN)
            conclude(store, order, now)


def begin_closing(store: Store, now: dt.datetime) -> tuple[int, list[Order]]:
    """Take on a batch of orders that are due to close; returns those that wait for a channel."""
    with store.atomic():
        orders = store.closings.claim(now, BATCH)
        for order in orders:
            _due_again(store, order, now + LOOK_AGAIN)
    if orders:
        reach("close.taken")
    waiting = []
    for order in orders:
        try:
            if _begin(store, order, now):
                waiting.append(order)
        except Exception:  # noqa: BLE001, S112  (as the original: one stops no other)
            continue
    return len(orders), waiting


def _begin(store: Store, order: Order, now: dt.datetime) -> bool:
    with store.atomic():
        if order.status not in WANTS_MONEY:
            return False
        is_new = order.cancel_asked_at is None and order.close_asked_at is None
        if is_new:
            order.close_asked_at = now
        began_at = order.cancel_asked_at or order.close_asked_at or now
        _due_again(store, order, now + max(LOOK_AGAIN, (now - began_at) / 10))
        if is_new or not _has_open_attempt(order):
            conclude(store, order, now)
        return order.status in WANTS_MONEY


def _due_again(store: Store, order: Order, at: dt.datetime) -> None:
    order.close_due_at = at
    store.closings.put(order.pk, order)


def _has_open_attempt(order: Order) -> bool:
    return any(attempt.status is AttemptStatus.OPEN for attempt in order.attempts.values())


def conclude(store: Store, order: Order, now: dt.datetime, *, ledger_changed: bool = False) -> None:
    """Derive the status of an order, and do what follows."""
    was = order.status
    order.status = _status_of(order, ledger_changed)
    order.version += 1
    store.changed[order.order_no] = None
    to = order.status
    if to is was or to in WANTS_MONEY:
        return
    order.close_due_at = None
    if was in WANTS_MONEY and to is not OrderStatus.PAID:
        order.closed_at = now
        if order.stock_held:
            _release(store, order)
    order.refunded_at = now if to is OrderStatus.REFUNDED else None


def _status_of(order: Order, ledger_changed: bool) -> OrderStatus:
    was = order.status
    if was is OrderStatus.REFUNDED and order.refunded_at is not None:
        return was
    wants_money = was in WANTS_MONEY and order.paid_at is None
    if wants_money and _has_open_attempt(order):
        return OrderStatus.PAYING
    if wants_money and not order.cancel_asked_at and not order.close_asked_at:
        return OrderStatus.UNPAID
    if (ledger_changed or wants_money) and _all_went_back(order):
        return OrderStatus.REFUNDED
    if order.paid_at is not None:
        return OrderStatus.PAID
    return OrderStatus.CANCELLED if order.cancel_asked_at else OrderStatus.CLOSED


def _all_went_back(order: Order) -> bool:
    sums: Counter[str] = Counter()
    for row in order.ledger:
        sums[row.currency] += -row.amount if row.entry is Entry.REFUND else row.amount
    return bool(sums) and not any(sums.values())


def _reserve(store: Store, quantities: dict[str, int]) -> frozenset[str] | None:
    """Take goods out of the stock, all or none; which articles were counted, or None."""
    counted = frozenset(quantities).intersection(store.counted)
    if any(store.stock[sku] < quantities[sku] for sku in counted):
        return None
    for sku in counted:
        store.stock[sku] -= quantities[sku]
    return counted


def _release(store: Store, order: Order) -> None:
    for sku in order.reserved:
        store.stock[sku] += order.quantities[sku]
    order.reserved = frozenset()
    order.stock_held = False
