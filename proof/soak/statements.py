"""The statement of the day, with its faults and without: it must tell us nothing new."""

import datetime as dt
from collections.abc import Iterable, Iterator

import requests
from django.utils import timezone

from payments.models import Difference, Statement
from payments.services.statements import import_now
from proof.soak.striking import Striker

FAULTS = {"statement_missing_line": 1, "statement_extra_line": 1, "statement_wrong_amount": 1}


def import_all(striker: Striker, *, days: Iterable[dt.date]) -> Iterator[Statement]:
    """Import each day twice, first with every fault of a statement; as it is after each time.

    A day is only over for who asks a day later, so that is when we ask.
    """
    tomorrow = timezone.now() + dt.timedelta(days=1)
    for day in days:
        requests.put(f"{striker.stage.wallet}/faults", json=FAULTS, timeout=10).raise_for_status()
        yield import_now(channel="sandbox", day=day, now=tomorrow, actor="soak")
        striker.all_quiet()
        yield import_now(channel="sandbox", day=day, now=tomorrow, actor="soak")


def open_differences() -> list[Difference]:
    """What is left to be explained."""
    return list(Difference.objects.filter(resolved_at=None))


def told(statement: Statement) -> str:
    """One line about an import, just after it."""
    kinds = ", ".join(sorted(str(each.kind) for each in open_differences())[:5])
    return (
        f"statement of {statement.day}: {statement.state}, {statement.lines} lines, "
        f"{statement.matched} agree, open differences: {kinds or 'none'} {statement.error}"
    )
