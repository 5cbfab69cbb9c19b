"""A person says what was done about a difference."""

import datetime as dt

from django.db import transaction

from payments.models import Difference
from payments.services.statements.alarms import withdraw_alarm


class DifferenceResolved(Exception):
    """This difference is resolved already."""


@transaction.atomic
def resolve_difference(
    *, difference_id: int, reason: str, actor: str, now: dt.datetime
) -> Difference:
    """Raises `DifferenceResolved`; `ValueError` without a reason."""
    if not reason.strip():
        raise ValueError("say what was done about it")
    done = Difference.objects.filter(pk=difference_id, resolved_at=None).update(
        resolved_at=now, resolved_by=actor, resolution=reason.strip()[:200]
    )
    if not done:
        raise DifferenceResolved(DifferenceResolved.__doc__)
    difference = Difference.objects.select_related("statement").get(pk=difference_id)
    withdraw_alarm(statement=difference.statement, now=now)
    return difference
