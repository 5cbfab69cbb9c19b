"""Finding payments and evidence by whichever number somebody holds. Exact: each has an index."""

import re

from django.db.models import Q, QuerySet

from payments.channels.registry import channel_names
from payments.models import Evidence, Payment

HELP = "A whole number: payment, order, the channel's own, idempotency key, or event id"
_OUR_KEY = re.compile(r"[0-9a-f]{32}")


def payments_numbered(term: str) -> Q:
    """The payments that a number belongs to."""
    numbers = _spellings(term)
    named = Q(payment_no__in=numbers) | Q(order_no__in=numbers) | Q(channel_no__in=numbers)
    events = _events(numbers).exclude(payment=None).values_list("payment", flat=True)
    found = named | Q(pk__in=list(events))
    if _OUR_KEY.fullmatch(term.lower()):
        # The one number without an index: looked for only when it looks like one of our own keys.
        found |= Q(idempotency_key=term.lower())
    return found


def evidence_numbered(term: str) -> Q:
    """The evidence that a number belongs to, its payment's numbers included."""
    numbers = _spellings(term)
    payments = Payment.objects.filter(payments_numbered(term)).values_list("pk", flat=True)
    return (
        Q(payment_no__in=numbers)
        | Q(pk__in=list(_events(numbers).values_list("pk", flat=True)))
        | Q(payment__in=list(payments))
    )


def _events(numbers: list[str]) -> QuerySet[Evidence]:
    # By channel, as the index of event ids begins with it.
    return Evidence.objects.filter(channel__in=channel_names(), event_id__in=numbers)


def _spellings(term: str) -> list[str]:
    """As it was typed, and in capitals, as our own numbers are."""
    return sorted({term.strip(), term.strip().upper()})
