"""What found no budget at its channel is due again soon: postponed, never lost, never a herd."""

import datetime as dt
from collections.abc import Callable, Sequence
from itertools import groupby
from random import SystemRandom
from typing import TypeVar

import structlog
from django.db import transaction

from payments import wake
from payments.models import Payment, Refund
from payments.services.budget import CROWD, wait_for_budget
from payments.services.rows import write_rows
from payments.states import RefundStatus

log = structlog.get_logger(__name__)
_random = SystemRandom()

Claimed = TypeVar("Claimed", Payment, Refund)


def postpone_payments(payments: Sequence[Payment], now: dt.datetime) -> None:
    """Give the claims of payments that were not asked about back, for a little later."""

    def give_back(payment: Payment) -> None:
        payment.consults -= 1

    for channel, group in groupby(sorted(payments, key=_channel), key=_channel):
        crowd = Payment.objects.filter(channel=channel, consult_due_at__lte=now)
        due_times = _spread(channel, crowd[:CROWD].count(), list(group), give_back, now)
        wake.announce_each(wake.CONSULT_DUE, due_times, now)


def postpone_refunds(refunds: Sequence[Refund], now: dt.datetime) -> None:
    """The same for refunds; what was not sent doesn't count as sent."""

    def give_back(refund: Refund) -> None:
        refund.consults -= 1
        refund.send_calls -= refund.status == RefundStatus.REQUESTED

    for channel, group in groupby(sorted(refunds, key=_refund_channel), key=_refund_channel):
        crowd = Refund.objects.filter(payment__channel=channel, consult_due_at__lte=now)
        due_times = _spread(channel, crowd[:CROWD].count(), list(group), give_back, now)
        wake.announce_each(wake.REFUND_DUE, due_times, now)


@transaction.atomic
def _spread(
    channel: str,
    crowd: int,
    claimed: Sequence[Claimed],
    give_back: Callable[[Claimed], None],
    now: dt.datetime,
) -> list[dt.datetime]:
    """Write new due times, except where somebody has moved them since the claim."""
    lease, waiting = claimed[0].consult_due_at, crowd + len(claimed)
    locked = type(claimed[0]).objects.select_for_update(no_key=True).order_by("pk")
    rows = list(locked.filter(pk__in=[row.pk for row in claimed], consult_due_at=lease))
    due_times = [_due_at(channel, waiting, now) for _ in rows]
    for row, due_at in zip(rows, due_times, strict=True):
        row.consult_due_at = due_at
        give_back(row)
    fields = ["consult_due_at", "consults", "send_calls"]
    write_rows(rows, fields)
    log.info("no_budget", channel=channel, postponed=len(rows), waiting=waiting)
    return due_times


def _due_at(channel: str, waiting: int, now: dt.datetime) -> dt.datetime:
    return now + wait_for_budget(channel=channel, waiting=waiting, chance=_random.random())


def _channel(payment: Payment) -> str:
    return payment.channel


def _refund_channel(refund: Refund) -> str:
    return refund.payment.channel
