"""Finding rows by whichever number somebody holds. Exact: each number has an index."""

import re

from django.db.models import Q, QuerySet

from common.admin import spellings
from payments.channels.registry import channel_names
from payments.models import Evidence, Payment, Refund

HELP = "Any number: payment, order, refund, event …"
_OUR_KEY = re.compile(r"[0-9a-f]{32}")


def payments_numbered(term: str) -> Q:
    """The payments that a number belongs to, a refund's or an event's included."""
    events = _events(term).exclude(payment=None).values_list("payment", flat=True)
    refunds = Refund.objects.filter(refund_no__in=spellings(term)).values_list("payment", flat=True)
    return _named(term) | Q(pk__in={*events, *refunds})


def refunds_numbered(term: str) -> Q:
    """The refunds that a number belongs to, and all of a payment or an order."""
    numbers = spellings(term)
    events = _events(term).exclude(refund=None).values_list("refund", flat=True)
    return (
        Q(refund_no__in=numbers)
        | Q(channel_no__in=numbers) & ~Q(channel_no="")
        | Q(pk__in=set(events))
        | Q(payment__in=_keys(Payment.objects.filter(_named(term))))
    )


def evidence_numbered(term: str) -> Q:
    """The evidence that a number belongs to: one event, or all about a payment or an order."""
    numbers = spellings(term)
    return (
        Q(payment_no__in=numbers)
        | Q(refund_no__in=numbers) & ~Q(refund_no="")
        | Q(pk__in=_keys(_events(term)))
        | Q(payment__in=_keys(Payment.objects.filter(_named(term))))
    )


def differences_numbered(term: str) -> Q:
    """The differences about a number, and all about the payments of an order."""
    numbers = spellings(term)
    payments = Payment.objects.filter(_named(term)).values_list("payment_no", flat=True)
    about = Q(payment_no__in=[*numbers, *payments])
    return about | Q(refund_no__in=numbers) | Q(capture_no__in=numbers)


def _named(term: str) -> Q:
    numbers = spellings(term)
    found = Q(payment_no__in=numbers) | Q(order_no__in=numbers) | Q(channel_no__in=numbers)
    key = term.strip().lower()
    if _OUR_KEY.fullmatch(key):
        # The one number without an index: looked for only when it looks like one of our own keys.
        found |= Q(idempotency_key=key)
    return found


def _keys(rows: QuerySet[Payment] | QuerySet[Evidence]) -> list[int]:
    return list(rows.values_list("pk", flat=True))


def _events(term: str) -> QuerySet[Evidence]:
    # By channel, as the index of event ids begins with it.
    return Evidence.objects.filter(channel__in=channel_names(), event_id__in=spellings(term))
