"""Starting a payment: first the row, then the channel, so that it knows nothing that we don't."""

import datetime as dt
import time

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.urls import reverse

from payments import wake
from payments.channels.base import (
    ChannelError,
    ChannelState,
    Charge,
    Created,
    DefiniteNo,
    NotExecuted,
    Report,
)
from payments.channels.registry import get_channel, get_schedule
from payments.models import Evidence, Payment, PaymentEvent
from payments.selectors import get_payment, payment_in_fog
from payments.services.settling import Finding, settle
from payments.states import IN_FOG, Source, Status

log = structlog.get_logger(__name__)

LEAST_TIME = dt.timedelta(seconds=60)  # to pay; channels refuse shorter ones


class CurrencyNotTaken(ValueError):
    """The channel does not take this currency."""


class AnotherPaymentInFog(Exception):
    """A payment of this order may have been paid already: it must end before another one starts."""

    def __init__(self, payment: Payment) -> None:
        super().__init__(self.__doc__)
        self.payment = payment


def check_taken(*, channel: str, currency: str) -> None:
    """Refuse what no payment can be opened for. Raises `UnknownChannel`, or `CurrencyNotTaken`."""
    currencies = get_channel(channel).capabilities.currencies
    if currency not in currencies:
        taken = ", ".join(sorted(currencies))
        raise CurrencyNotTaken(f"{channel} does not take {currency}; it takes {taken}.")


def open_payment(
    *,
    order_no: str,
    channel: str,
    amount: int,
    currency: str,
    subject: str,
    return_url: str,
    now: dt.datetime,
    wanted_until: dt.datetime | None = None,
) -> Payment:
    """Write the row of a new payment; the caller commits it before `create_at_channel`.

    `amount` is in minor units of `currency`. The channel takes no money after `wanted_until`, which
    gives it a minute at the least and `settings.PAYMENT_EXPIRES_AFTER` seconds at the most. Raises
    `UnknownChannel`, `CurrencyNotTaken`, or `AnotherPaymentInFog` when the order has a payment that
    may have been paid.
    """
    check_taken(channel=channel, currency=currency)
    adapter = get_channel(channel)
    due_at = now + dt.timedelta(seconds=get_schedule(channel)[0])
    try:
        with transaction.atomic():
            payment = Payment.objects.create(
                order_no=order_no,
                channel=channel,
                merchant=adapter.merchant,
                subject=subject,
                amount=amount,
                currency=currency,
                version=1,
                return_url=return_url,
                created_at=now,
                expires_at=_expires_at(now, wanted_until),
                consult_due_at=due_at,
            )
            PaymentEvent.objects.create(
                payment=payment,
                seq=1,
                to_status=Status.CREATED,
                source=Source.START,
                occurred_at=now,
                relay_due_at=now,
            )
    except IntegrityError:
        earlier = payment_in_fog(order_no=order_no)
        if earlier is None:
            raise
        raise AnotherPaymentInFog(earlier) from None
    # The relay is woken by `create_at_channel`, which follows at once.
    wake.consult_on_commit(due_at=due_at, now=now)
    return payment


def _expires_at(now: dt.datetime, wanted_until: dt.datetime | None) -> dt.datetime:
    usual = now + dt.timedelta(seconds=settings.PAYMENT_EXPIRES_AFTER)
    return max(now + LEAST_TIME, min(usual, wanted_until or usual))


def create_at_channel(*, payment_no: str, now: dt.datetime) -> Payment:
    """Make the payment known to its channel, and return it as it then is.

    A definite refusal makes it `failed`; so does a channel that was never reached. A lost answer
    leaves it in the fog as `paying`: calling again replays the creation under the same key.
    """
    counted = Payment.objects.filter(
        payment_no=payment_no, status__in=IN_FOG, action__isnull=True
    ).update(create_calls=F("create_calls") + 1)
    payment = get_payment(payment_no=payment_no)
    if not counted:
        return payment
    started = time.monotonic()
    created, claim, error = _create(payment)
    now += dt.timedelta(seconds=time.monotonic() - started)
    if created:
        Payment.objects.filter(pk=payment.pk).update(action=_as_json(created))
    evidence = Evidence.objects.create(
        payment=payment,
        payment_no=payment_no,
        channel=payment.channel,
        source=Source.START,
        body=created.raw.encode() if created else b"",
        error=error,
        received_at=now,
    )
    report = Report(
        payment_no=payment_no,
        state=ChannelState.PENDING,
        channel_no=created.channel_no if created else "",
    )
    finding = Finding(
        evidence=evidence, payment_no=payment_no, report=report if created else None, claim=claim
    )
    settle(findings=[finding], now=now)
    return get_payment(payment_no=payment_no)


def _create(payment: Payment) -> tuple[Created | None, Status | None, str]:
    """Call the channel: what it created, what that claims, and what went wrong."""
    channel, charge = get_channel(payment.channel), _charge(payment)
    try:
        return channel.create(charge), Status.PAYING, ""
    except (DefiniteNo, NotExecuted) as error:
        # Only when no other call is under way or was lost can nothing have been created.
        only_call = Payment.objects.filter(pk=payment.pk, create_calls=1).exists()
        return None, Status.FAILED if only_call else None, str(error)
    except ChannelError as error:
        return None, Status.PAYING, str(error)
    except Exception as error:
        log.exception("channel_broke", channel=payment.channel, payment_no=payment.payment_no)
        return None, Status.PAYING, f"the channel's code broke: {error!r}"


def _charge(payment: Payment) -> Charge:
    return Charge(
        payment_no=payment.payment_no,
        idempotency_key=payment.idempotency_key,
        amount=payment.amount,
        currency=payment.currency,
        subject=payment.subject,
        expires_at=payment.expires_at,
        return_url=payment.return_url,
        notify_url=settings.PUBLIC_URL + reverse("callback", args=[payment.channel]),
    )


def _as_json(created: Created) -> dict[str, object]:
    action = created.action
    return {
        "kind": action.kind,
        "url": action.url,
        "text": action.text,
        "fields": dict(action.fields),
    }
