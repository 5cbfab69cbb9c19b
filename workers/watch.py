"""The inside watch: does the order side know what the payment side knows, and does the money agree?

It asks the rows themselves, and nothing that the relay says of itself. What it finds is mended by
the door that would have done it; what can't be mended is an alert, withdrawn once it is no more so.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator

import structlog
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Coalesce

from alerts.services import (
    open_subjects_of,
    raise_alert,
    raise_all,
    withdraw_alert,
    withdraw_all_but,
)
from common.money import format_money
from orders import services as orders
from orders.models import LedgerEntry, Order
from orders.states import WANTS_MONEY, Entry, OrderStatus
from payments.models import Payment, PaymentEvent, Refund, RefundEvent
from payments.services import adopt_refunds, heartbeat, judge_forgotten, statements
from payments.states import IN_FOG, MONEY_CAME, RefundStatus
from workers.glance import LOOK_BACK, Finding, Glance
from workers.sums import sums_that_differ
from workers.telling import (
    give_back,
    origin_of,
    still_owed,
    surplus_of,
    tell_of_payment,
    tell_of_refund,
)

log = structlog.get_logger(__name__)

GRACE = dt.timedelta(seconds=60)  # the relay's own time
TIME_TO_CLOSE = dt.timedelta(minutes=5)  # for who has nothing left to ask a channel
STANDS_STILL = dt.timedelta(hours=1)  # a close that a channel has not ended by then
OWED_LOOK_BACK = dt.timedelta(days=90)
MOST_REFUNDS = 3  # tries to refund the same money before a person has to look


def watch(*, now: dt.datetime) -> dict[str, int]:
    """Look at everything once; returns how many were found, by kind."""
    alerted = open_subjects_of(["alert.watch", *LOOKS])
    broken = alerted["alert.watch"]
    found = {name: _mend(name, mend, now, broken) for name, mend in MENDS.items()}
    for event, look in LOOKS.items():
        glance = Glance(now, alerted[event])
        found[event.removeprefix("alert.")] = _look(event, look, glance, broken)
    if any(found.values()):
        log.warning("watch_found", **{name: count for name, count in found.items() if count})
    heartbeat(name="watch", now=now)
    return found


# Looks at what is recent, and at those numbers that its open alerts are about, however old.
Look = Callable[[Glance], Iterator[Finding]]


def _mend(
    name: str, mend: Callable[[dt.datetime], int], now: dt.datetime, broken: Collection[str]
) -> int:
    """One that breaks stops no other; `broken` are those that alerts are open about."""
    try:
        count = mend(now)
    except Exception as error:
        log.exception("watch_could_not_mend", what=name)
        raise_alert("alert.watch", subject=name, detail=f"it can't mend: {error!r}", now=now)
        return 0
    if name in broken:
        withdraw_alert("alert.watch", subject=name, why="it mends again", now=now)
    return count


def _look(event: str, look: Look, glance: Glance, broken: Collection[str]) -> int:
    """Raise what could not be mended, and withdraw what is so no more. One look stops no other."""
    now = glance.now
    try:
        found = list(look(glance))
    except Exception as error:
        log.exception("watch_look_failed", look=event)
        raise_alert("alert.watch", subject=event, detail=f"it can't look: {error!r}", now=now)
        return 0
    if event in broken:
        withdraw_alert("alert.watch", subject=event, why="it looks again", now=now)
    open_ones = {subject: detail for subject, detail in found if detail}
    raise_all(event, details=open_ones, now=now)
    # What was not open when this pass began is left to the next one.
    if glance.complete and glance.alerted:
        withdraw_all_but(event, subjects=open_ones, now=now)
    elif not glance.complete:  # who was not looked at has not healed by that
        for mended in {subject for subject, _ in found}.difference(open_ones):
            withdraw_alert(event, subject=mended, why="healed", now=now)
    return len(found)


def _untold_payments(glance: Glance) -> Iterator[Finding]:
    """Money that came, of which the order side has no ledger entry after the grace time."""
    entry = LedgerEntry.objects.filter(payment_no=OuterRef("payment_no"), refund_no="")
    came = Payment.objects.filter(
        ~Exists(entry.filter(capture_no="")),
        Q(settled_at__gt=glance.now - LOOK_BACK, settled_at__lte=glance.now - GRACE)
        | Q(payment_no__in=glance.alerted),
        status__in=MONEY_CAME,
    )
    for payment in glance.rows(came):
        event = payment.events.filter(to_status__in=MONEY_CAME, capture=None).last()
        yield payment.payment_no, _tell_again(event, glance.now)
    again = PaymentEvent.objects.filter(
        ~Exists(
            LedgerEntry.objects.filter(
                payment_no=OuterRef("payment__payment_no"),
                capture_no=OuterRef("capture__capture_no"),
            )
        ),
        Q(
            capture__recorded_at__gt=glance.now - LOOK_BACK,
            capture__recorded_at__lte=glance.now - GRACE,
        )
        | Q(capture__isnull=False, payment__payment_no__in=glance.alerted),
    )
    for event in glance.rows(again.select_related("payment", "capture")):
        yield event.payment.payment_no, _tell_again(event, glance.now)


def _untold_refunds(glance: Glance) -> Iterator[Finding]:
    """Refunds that succeeded, of which the order side has no entry."""
    entry = LedgerEntry.objects.filter(
        refund_no=OuterRef("refund__refund_no"), refund_seq=OuterRef("seq")
    )
    came = RefundEvent.objects.filter(
        ~Exists(entry),
        Q(refund__settled_at__gt=glance.now - LOOK_BACK, refund__settled_at__lte=glance.now - GRACE)
        | Q(refund__refund_no__in=glance.alerted),
        to_status=RefundStatus.SUCCEEDED,
        refund__status=RefundStatus.SUCCEEDED,
    )
    for event in glance.rows(came.select_related("refund__payment")):
        yield event.refund.refund_no, _tell_again(event, glance.now)


def _tell_again(event: PaymentEvent | RefundEvent | None, now: dt.datetime) -> str:
    """Tell the order side, whatever the event says of having been told; empty once it knows."""
    if event is None:
        return "the payment says that money came, and none of its events does"
    try:
        with transaction.atomic():
            if isinstance(event, PaymentEvent):
                tell_of_payment(event, now)
            else:
                tell_of_refund(event, now)
    except Exception as error:
        log.exception("watch_could_not_tell", seq=event.seq)
        return f"the order could not be told: {error!r}"
    return ""


def _paid_without_ledger(glance: Glance) -> Iterator[Finding]:
    """Orders that say paid, and no entry says by what."""
    applied = LedgerEntry.objects.filter(order=OuterRef("pk"), entry=Entry.APPLIED)
    unfounded = Order.objects.filter(
        ~Exists(applied),
        Q(paid_at__gt=glance.now - LOOK_BACK) | Q(order_no__in=glance.alerted),
        status__in=[OrderStatus.PAID, OrderStatus.REFUNDED],
    )
    for order in glance.rows(unfounded):
        yield order.order_no, "it says paid, and the ledger has no money that paid it"


def _owed_back(glance: Glance) -> Iterator[Finding]:
    """Surplus that no refund is under way for: refunded again, a few times, and then an alert."""
    here = Payment.objects.filter(captured_total__gt=F("refund_total"))
    lately = LedgerEntry.objects.filter(
        Exists(here.filter(payment_no=OuterRef("payment_no"))),
        Q(recorded_at__gt=glance.now - OWED_LOOK_BACK, recorded_at__lte=glance.now - GRACE)
        | Q(payment_no__in=glance.alerted),
        entry=Entry.SURPLUS,
    )
    by_payment: dict[str, list[LedgerEntry]] = defaultdict(list)
    for entry in surplus_of(lately.values_list("payment_no", flat=True)):
        by_payment[entry.payment_no].append(entry)
    payments = Payment.objects.filter(payment_no__in=by_payment).prefetch_related("refunds")
    for payment in payments.order_by("pk"):
        entries = by_payment[payment.payment_no]
        if still_owed(payment, entries) > 0:
            troubles = [_give_back_again(entry, glance.now) for entry in entries]
            yield payment.payment_no, " ".join(filter(None, troubles))


def _give_back_again(entry: LedgerEntry, now: dt.datetime) -> str:
    """Ask for one more refund of this entry, each later after the one that failed before."""
    tries = list(Refund.objects.filter(origin__startswith=origin_of(entry)).order_by("pk"))
    if any(refund.status != RefundStatus.FAILED for refund in tries):
        return ""
    if len(tries) >= MOST_REFUNDS:
        money = format_money(entry.amount, entry.currency)
        return f"{money} of order {entry.order.order_no}: {len(tries)} refunds have failed."
    failed_at = tries[-1].settled_at if tries else None
    if failed_at and now < failed_at + GRACE * 5 ** (len(tries) - 1):
        return ""
    trouble = give_back(entry, now, attempt=len(tries) + 1)
    if tries and not trouble:
        number = tries[-1].refund_no
        withdraw_alert("alert.refund_failed", subject=number, why="refunded again", now=now)
    return trouble


def _standing_still(glance: Glance) -> Iterator[Finding]:
    """Closes that have not come to an end: for us to finish, or for a channel to tell."""
    closing = Order.objects.filter(status__in=WANTS_MONEY).annotate(
        began_at=Coalesce("cancel_asked_at", "close_asked_at", "expires_at")
    )
    fog = Payment.objects.filter(order_no=OuterRef("order_no"), status__in=IN_FOG)
    ours = closing.filter(~Exists(fog), began_at__lte=glance.now - TIME_TO_CLOSE)
    for order in glance.rows(ours):
        yield order.order_no, _finish(order, glance.now)
    long_ago = glance.now - STANDS_STILL
    waits = closing.filter(order_no=OuterRef("order_no"), began_at__lte=long_ago)
    # Also of orders that are paid by now: a channel could still take their money once more.
    theirs = Payment.objects.filter(
        Q(close_asked_at__lte=long_ago) | Exists(waits), status__in=IN_FOG
    )
    for payment in glance.rows(theirs):
        trouble = f"{payment.channel} has not said how {payment.payment_no} ended"
        yield payment.order_no, trouble


def _finish(order: Order, now: dt.datetime) -> str:
    """None of its payments is in the fog: tell the order so once more, and it closes."""
    for payment in Payment.objects.filter(order_no=order.order_no):
        if trouble := _tell_again(payment.events.filter(capture=None).last(), now):
            return trouble
    closed = orders.conclude_anew(order_no=order.order_no, now=now)
    return "" if closed.status not in WANTS_MONEY else "its payments have ended, and it stays open"


MENDS: dict[str, Callable[[dt.datetime], int]] = {
    "orders_without_a_time_to_close": lambda now: orders.adopt_orders(now=now),
    "refunds_without_a_due_time": lambda now: adopt_refunds(now=now),
    "answers_that_nobody_judged": lambda now: judge_forgotten(now=now),
    "stock_held_in_vain": lambda _now: orders.release_forgotten_stock(),
    "statements_that_are_missing": lambda now: statements.miss_statements(now=now),
}
LOOKS: dict[str, Look] = {
    "alert.order_untold": _untold_payments,
    "alert.refund_untold": _untold_refunds,
    "alert.paid_without_money": _paid_without_ledger,
    "alert.ledger_differs": sums_that_differ,
    "alert.owed_back": _owed_back,
    "alert.close_stands_still": _standing_still,
}
