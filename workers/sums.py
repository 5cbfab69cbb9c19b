"""The watch's looks at sums: the ledger against the orders, the payments, and itself."""

from collections.abc import Iterator

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from common.money import format_money
from orders.models import LedgerEntry
from orders.states import Entry
from payments.models import FurtherCapture, Payment, Refund
from payments.states import MONEY_CAME, RefundStatus
from workers.glance import LOOK_BACK, Finding, Glance


def sums_that_differ(glance: Glance) -> Iterator[Finding]:
    """Orders whose ledger says other sums than their total, their payments, or its own entries."""
    yield from _totals(glance)
    yield from _payments(glance)
    yield from _captures(glance)
    yield from _refunds(glance)


def _totals(glance: Glance) -> Iterator[Finding]:
    """Orders that were paid with another sum than their total."""
    entries = LedgerEntry.objects.filter(
        ~Q(amount=F("order__total")) | ~Q(currency=F("order__currency")),
        Q(order__paid_at__gt=glance.now - LOOK_BACK) | Q(order__order_no__in=glance.alerted),
        entry=Entry.APPLIED,
    )
    for entry in glance.rows(entries.select_related("order")):
        total = format_money(entry.order.total, entry.order.currency)
        paid = format_money(entry.amount, entry.currency)
        yield entry.order.order_no, f"its total is {total}, the ledger says {paid}"


def _payments(glance: Glance) -> Iterator[Finding]:
    """Payments that received another sum than the ledger has of them."""
    payments = Payment.objects.filter(
        Exists(_entries_of_another_sum("payment_no", "received_amount", "received_currency", "")),
        Q(settled_at__gt=glance.now - LOOK_BACK) | Q(order_no__in=glance.alerted),
        status__in=MONEY_CAME,
    )
    for payment in glance.rows(payments):
        came = format_money(payment.received_amount or 0, payment.received_currency)
        yield payment.order_no, f"{payment.payment_no} received {came}, the ledger differs"


def _captures(glance: Glance) -> Iterator[Finding]:
    """The same for what came beyond the first time."""
    captures = FurtherCapture.objects.filter(
        Exists(
            _entries_of_another_sum(
                "payment__payment_no", "amount", "currency", OuterRef("capture_no")
            )
        ),
        Q(recorded_at__gt=glance.now - LOOK_BACK) | Q(payment__order_no__in=glance.alerted),
    )
    for capture in glance.rows(captures.select_related("payment")):
        came = format_money(capture.amount, capture.currency)
        trouble = f"capture {capture.capture_no} was {came}, the ledger differs"
        yield capture.payment.order_no, trouble


def _entries_of_another_sum(
    payment_no: str, amount: str, currency: str, capture_no: OuterRef | str
) -> QuerySet[LedgerEntry]:
    return LedgerEntry.objects.filter(
        ~Q(amount=OuterRef(amount)) | ~Q(currency=OuterRef(currency)),
        payment_no=OuterRef(payment_no),
        capture_no=capture_no,
        refund_no="",
    )


def _refunds(glance: Glance) -> Iterator[Finding]:
    """Orders of which more has gone back, without what came back to us, than came."""
    lately = Refund.objects.filter(
        status=RefundStatus.SUCCEEDED, settled_at__gt=glance.now - LOOK_BACK
    )
    entries = LedgerEntry.objects.filter(
        Q(order__order_no__in=lately.values("payment__order_no"))
        | Q(order__order_no__in=glance.alerted)
    )
    sums = (
        entries.order_by()
        .values_list("order__order_no", "currency")
        .annotate(came=_sum(Entry.APPLIED, Entry.SURPLUS, Entry.BOUNCED), went=_sum(Entry.REFUND))
    )
    for order_no, currency, came, went in sums.filter(went__gt=F("came")):
        here, gone = format_money(came, currency), format_money(went, currency)
        yield order_no, f"{gone} went back of {here} that came"


def _sum(*entries: Entry) -> Coalesce:
    return Coalesce(Sum("amount", filter=Q(entry__in=entries)), 0)
