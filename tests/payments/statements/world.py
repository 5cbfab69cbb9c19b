"""A day of the channel's, what is paid on it, and the morning after, when its statement comes."""

import datetime as dt

from alerts.models import Alert
from payments import services
from payments.channels.base import RefundState, StatementLine
from payments.models import (
    Difference,
    Evidence,
    FurtherCapture,
    Payment,
    PaymentEvent,
    Refund,
    RefundEvent,
    Statement,
    StatementPart,
)
from payments.services import statements
from payments.states import RefundReason
from tests.factories import a_payment
from tests.fakes import FakeChannel

DAY = dt.date(2026, 5, 4)
NOON = dt.datetime(2026, 5, 4, 12, tzinfo=dt.UTC)
MORNING = dt.datetime(2026, 5, 5, 1, tzinfo=dt.UTC)
A_DAY = dt.timedelta(days=1)
AN_HOUR = dt.timedelta(hours=1)


def paid(channel: FakeChannel, *, at: dt.datetime = NOON, **wrong: object) -> Payment:
    """A payment of 1250 CNY that the shopper has paid, and we know it."""
    payment = paid_unnoticed(channel, at=at, **wrong)
    notice(payment, at=at)
    payment.refresh_from_db()
    return payment


def paid_unnoticed(channel: FakeChannel, *, at: dt.datetime = NOON, **wrong: object) -> Payment:
    """The same, and every net has missed it so far."""
    payment = a_payment(started=at - AN_HOUR / 6, channel=channel.name)
    channel.pay(payment.payment_no, **({"paid_at": at, "capture_no": "C1"} | wrong))
    return payment


def notice(payment: Payment, *, at: dt.datetime = NOON) -> None:
    services.query_now(payment_no=payment.payment_no, now=at, actor="")


def refunded(
    channel: FakeChannel, payment: Payment, *, amount: int = 500, noticed: bool = True
) -> Refund:
    """A refund that has succeeded at the channel; we know it, or `noticed` is False."""
    refund = services.request_refund(
        payment_no=payment.payment_no,
        amount=amount,
        reason=RefundReason.CUSTOMER,
        origin=f"test/{Refund.objects.count()}",
        now=NOON,
    )
    services.refund_due(now=NOON)
    channel.end_refund(refund.refund_no, RefundState.SUCCEEDED, refunded_at=NOON)
    if noticed:
        services.query_refund_now(refund_no=refund.refund_no, now=NOON, actor="")
    refund.refresh_from_db()
    return refund


def a_line(**values: object) -> StatementLine:
    """A line of a payment that nobody knows; `values` say otherwise."""
    line = {
        "kind": "payment",
        "payment_no": "P0000000000000000STRAY",
        "refund_no": "",
        "channel_no": "F1",
        "capture_no": "C1",
        "amount": 1250,
        "currency": "CNY",
        "merchant": "our-account",
        "at": NOON,
    }
    return StatementLine(**(line | values))  # type: ignore[arg-type]


def import_all(now: dt.datetime = MORNING) -> int:
    return statements.import_statements(now=now)


def import_again(now: dt.datetime = MORNING + AN_HOUR, *, day: dt.date = DAY) -> Statement:
    return statements.import_now(channel="fake", day=day, now=now, actor="Ada")


def differences(**wanted: object) -> list[tuple[str, str, str, str, str]]:
    """Kind, number, what we say, what they say, and how it was resolved; in order of the kind."""
    return [
        (each.kind, each.refund_no or each.payment_no, each.ours, each.theirs, each.resolution)
        for each in Difference.objects.filter(**wanted).order_by("kind", "payment_no")
    ]


def alerts() -> list[tuple[str, str]]:
    """Kind and subject of those that are open."""
    return list(Alert.objects.filter(resolved_at=None).values_list("kind", "subject"))


def everything() -> dict[str, list[dict[str, object]]]:
    """All rows of the payment side that an import could touch, but for the times of the import."""
    tables = (
        *(Payment, PaymentEvent, FurtherCapture, Refund, RefundEvent),
        *(Evidence, Statement, StatementPart, Difference, Alert),
    )
    times = {"tries", "downloaded_at", "compared_at"}
    return {
        table.__name__: [
            {key: _plain(value) for key, value in row.items() if key not in times}
            for row in table.objects.order_by("pk").values()
        ]
        for table in tables
    }


def _plain(value: object) -> object:
    return bytes(value) if isinstance(value, memoryview) else value
