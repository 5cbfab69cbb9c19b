"""Finding payments and evidence by whichever number somebody holds. Exact: each has an index."""

import re

from django.db.models import Q, QuerySet

from payments.channels.registry import channel_names
from payments.models import Evidence, Payment

HELP = "Any number: payment, order, event …"
_OUR_KEY = re.compile(r"[0-9a-f]{32}")


def payments_numbered(term: str) -> Q:
    """The payments that a number belongs to, an event's id included."""
    events = _events(term).exclude(payment=None).values_list("payment", flat=True)
    return _named(term) | Q(pk__in=list(events))


def evidence_numbered(term: str) -> Q:
    """The evidence that a number belongs to: one event, or all about a payment or an order."""
    payments = Payment.objects.filter(_named(term)).values_list("pk", flat=True)
    return (
        Q(payment_no__in=_spellings(term))
        | Q(pk__in=list(_events(term).values_list("pk", flat=True)))
        | Q(payment__in=list(payments))
    )


def _named(term: str) -> Q:
    numbers = _spellings(term)
    found = Q(payment_no__in=numbers) | Q(order_no__in=numbers) | Q(channel_no__in=numbers)
    key = term.strip().lower()
    if _OUR_KEY.fullmatch(key):
        # The one number without an index: looked for only when it looks like one of our own keys.
        found |= Q(idempotency_key=key)
    return found


def _events(term: str) -> QuerySet[Evidence]:
    # By channel, as the index of event ids begins with it.
    return Evidence.objects.filter(channel__in=channel_names(), event_id__in=_spellings(term))


def _spellings(term: str) -> list[str]:
    """As it was typed, and in capitals, as our own numbers are."""
    return sorted({term.strip(), term.strip().upper()})
