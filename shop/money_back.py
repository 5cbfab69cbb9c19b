"""What is told of money that goes back to a shopper. Pure, and never more than is known."""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from orders.models import LedgerEntry
from orders.states import Entry, Why
from payments.models import Payment, Refund
from payments.states import RefundReason, RefundStatus


class Cause(StrEnum):
    """Why money goes back."""

    LATE = "late"  # it came after the order was closed or cancelled
    SECOND = "second"  # the order was paid already
    MISPAID = "mispaid"  # it was not what was asked for
    SHOP = "shop"  # the shop gives it back


class Way(StrEnum):
    """How far it is."""

    STILL_HERE = "still_here"  # a person sees to it
    ON_ITS_WAY = "on_its_way"  # asked for, and not confirmed by the channel
    WENT_BACK = "went_back"


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyBack:
    """So much money, and how far it is. `amount` is in minor units."""

    cause: Cause
    way: Way
    amount: int
    currency: str
    at: dt.datetime | None = None  # when it went back


def money_back(ledger: Sequence[LedgerEntry], refunds: Sequence[Refund]) -> list[MoneyBack]:
    """All that is to be told of an order; `refunds` are all of its refunds, the newest first."""
    received = [entry for entry in ledger if not entry.refund_no]
    applied = {entry.payment_no for entry in received if entry.entry == Entry.APPLIED}
    told: list[MoneyBack] = []
    left = list(refunds)
    for (payment_no, why), entries in _surplus(received).items():
        reasons = {why} if payment_no in applied else {why, RefundReason.CUSTOMER}
        its = [
            refund
            for refund in left
            if refund.payment.payment_no == payment_no and refund.reason in reasons
        ]
        left = [refund for refund in left if refund not in its]
        told += _of_surplus(Cause(why), entries, its)
    return told + list(_of_shop(left))


def has_gone_back(payment: Payment, refunds: Sequence[Refund]) -> bool:
    """Whether all that this payment brought has gone back, by the channel's word."""
    gone = sum(
        refund.amount
        for refund in refunds
        if refund.payment_id == payment.pk and refund.status == RefundStatus.SUCCEEDED
    )
    return gone >= payment.captured_total


def _surplus(received: Iterable[LedgerEntry]) -> dict[tuple[str, str], list[LedgerEntry]]:
    """By payment, and by why; entries of before that was written down came late."""
    surplus: dict[tuple[str, str], list[LedgerEntry]] = {}
    for entry in received:
        if entry.entry == Entry.SURPLUS:
            surplus.setdefault((entry.payment_no, entry.why or Why.LATE), []).append(entry)
    return surplus


def _of_surplus(
    cause: Cause, entries: Sequence[LedgerEntry], refunds: Sequence[Refund]
) -> Iterator[MoneyBack]:
    by_way = {
        way: sum(refund.amount for refund in refunds if _WAYS[RefundStatus(refund.status)] is way)
        for way in (Way.WENT_BACK, Way.ON_ITS_WAY)
    }
    owed = sum(entry.amount for entry in entries)
    by_way[Way.STILL_HERE] = max(0, owed - sum(by_way.values()))
    times = [_when(refund) for refund in refunds if refund.status == RefundStatus.SUCCEEDED]
    for way, amount in by_way.items():
        if amount:
            yield MoneyBack(
                cause=cause,
                way=way,
                amount=amount,
                currency=entries[0].currency,
                at=max(filter(None, times), default=None) if way is Way.WENT_BACK else None,
            )


def _of_shop(refunds: Sequence[Refund]) -> Iterator[MoneyBack]:
    for number, refund in enumerate(refunds):
        if not _was_tried_again(refund, refunds[:number]):
            yield MoneyBack(
                cause=Cause.SHOP,
                way=_WAYS[RefundStatus(refund.status)],
                amount=refund.amount,
                currency=refund.currency,
                at=_when(refund),
            )


def _was_tried_again(refund: Refund, newer: Sequence[Refund]) -> bool:
    """Whether it failed, and another one gives the same money back since."""
    return refund.status == RefundStatus.FAILED and any(
        other.payment_id == refund.payment_id and other.amount >= refund.amount for other in newer
    )


def _when(refund: Refund) -> dt.datetime | None:
    return refund.refunded_at or refund.settled_at


_WAYS = {
    RefundStatus.REQUESTED: Way.ON_ITS_WAY,
    RefundStatus.PENDING: Way.ON_ITS_WAY,
    RefundStatus.SUCCEEDED: Way.WENT_BACK,
    RefundStatus.FAILED: Way.STILL_HERE,
}
