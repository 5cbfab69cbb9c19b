"""What the loops over payments and over refunds share."""

import datetime as dt
import time
from collections.abc import Callable, Sequence
from random import SystemRandom
from typing import Any, Protocol, TypeVar

import structlog
from django.db import InterfaceError, OperationalError

from alerts.services import raise_alert
from payments.consult import next_consult_at
from payments.models import Evidence
from payments.states import Verdict

log = structlog.get_logger(__name__)
_random = SystemRandom()

RATE_LIMIT_SPREAD = 30.0  # seconds over which those that met a rate limit come back


class _Found(Protocol):
    @property
    def evidence(self) -> Evidence: ...


Found = TypeVar("Found", bound=_Found)


def settle_each(settle: Callable[..., Any], findings: Sequence[Found], now: dt.datetime) -> None:
    """Settle a batch at once; where that fails, one by one: one row can't stop the others."""
    try:
        settle(findings=findings, now=now)
    except Exception as error:
        log.exception("settling_failed", evidence=[finding.evidence.pk for finding in findings])
        if len(findings) > 1:
            for finding in findings:
                settle_each(settle, [finding], now)
            return
        _note_failure(findings[0].evidence, error, now)


def _note_failure(evidence: Evidence, error: Exception, now: dt.datetime) -> None:
    """Keep it as failed, and call a person unless the database itself was away for a moment."""
    Evidence.objects.filter(pk=evidence.pk).update(verdict=Verdict.FAILED, error=repr(error))
    if not isinstance(error, OperationalError | InterfaceError):
        subject = evidence.refund_no or evidence.payment_no
        raise_alert("alert.unsettled", subject=subject, detail=repr(error), now=now)


def ask_again_at(
    *,
    started_at: dt.datetime,
    schedule: Sequence[float],
    retry_after: float | None,
    now: dt.datetime,
) -> dt.datetime:
    """The next step of the schedule, or sooner where a channel's rate limit names its own pause."""
    due_at = next_consult_at(
        started_at=started_at, now=now, schedule=schedule, jitter=_random.random()
    )
    if retry_after is None:
        return due_at
    pause = retry_after + _random.uniform(0, RATE_LIMIT_SPREAD)
    return min(due_at, now + dt.timedelta(seconds=pause))


def later(now: dt.datetime, started: float) -> dt.datetime:
    """`now`, and what a stopwatch says has passed since: the clock itself is the caller's."""
    return now + dt.timedelta(seconds=time.monotonic() - started)
