"""Asking a channel about one payment or refund. Runs in a thread, and touches no database."""

import datetime as dt
from dataclasses import dataclass

import structlog

from common.kill_points import reach
from payments.channels.base import (
    Channel,
    ChannelError,
    ChannelState,
    DefiniteNo,
    NotExecuted,
    RefundReport,
    RefundState,
    Report,
)
from payments.channels.registry import UnknownChannel, get_channel
from payments.models import Payment, Refund
from payments.services.budget import spend
from payments.states import RefundStatus

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of asking: a report, or why there is none."""

    report: Report | None = None
    error: str = ""
    retry_after: float | None = None  # seconds, where the channel asked for a pause
    no_budget: bool = False  # the channel was not asked at all


def ask(payment: Payment, now: dt.datetime, *, at_any_price: bool = False) -> Answer:
    """Query one payment, and close it where that was asked for. Never raises.

    Only if the channel's budget allows it; `at_any_price` it is asked even where none is left.
    """
    try:
        channel = get_channel(payment.channel)
        if not spend(payment.channel) and not at_any_price:
            return Answer(no_budget=True)
        return Answer(_closed_if_unfindable(channel, payment, _query(channel, payment), now))
    except NotExecuted as error:
        return Answer(error=str(error), retry_after=error.retry_after)
    except (ChannelError, UnknownChannel) as error:
        return Answer(error=str(error))
    except Exception as error:
        log.exception("channel_broke", channel=payment.channel, payment_no=payment.payment_no)
        return Answer(error=f"the channel's code broke: {error!r}")


def _query(channel: Channel, payment: Payment) -> Report:
    report = channel.query(payment_no=payment.payment_no, channel_no=payment.channel_no)
    still_open = report.state in (ChannelState.PENDING, ChannelState.NOT_FOUND)
    closes = payment.close_asked_at and still_open and channel.capabilities.can_close
    if closes and spend(payment.channel, calls=2):
        reach("close.queried")
        # Whatever it answers: "busy" is no end, and "closed" is believed when a query says so.
        channel.close(payment_no=payment.payment_no, channel_no=payment.channel_no)
        reach("close.closed")
        report = channel.query(payment_no=payment.payment_no, channel_no=payment.channel_no)
        reach("close.queried_again")
    if report.payment_no != payment.payment_no:
        raise ChannelError(f"the answer is about another payment: {report.payment_no!r}")
    return report


def _closed_if_unfindable(
    channel: Channel, payment: Payment, report: Report, now: dt.datetime
) -> Report:
    """Where the channel promises it, a payment not found long after its expiry can't be paid."""
    final_after = channel.capabilities.not_found_final_after
    if report.state is not ChannelState.NOT_FOUND or final_after is None:
        return report
    if now < payment.expires_at + dt.timedelta(seconds=final_after):
        return report
    return Report(payment_no=payment.payment_no, state=ChannelState.CLOSED, raw=report.raw)


@dataclass(frozen=True, slots=True)
class RefundAnswer:
    """What came of sending a refund or asking about it; `refused` where the channel said no."""

    report: RefundReport | None = None
    error: str = ""
    refused: bool = False
    retry_after: float | None = None  # seconds, where the channel asked for a pause
    no_budget: bool = False  # nothing was sent at all


def ask_refund(refund: Refund, *, at_any_price: bool = False) -> RefundAnswer:
    """Send a refund that the channel doesn't know yet, or query it. Never raises.

    Only if the channel's budget allows it; `at_any_price` it is asked even where none is left.
    """
    payment = refund.payment
    try:
        if not spend(payment.channel) and not at_any_price:
            return RefundAnswer(no_budget=True)
        answer = _query_or_send(get_channel(payment.channel), refund, at_any_price)
    except NotExecuted as error:
        return RefundAnswer(error=str(error), retry_after=error.retry_after)
    except (ChannelError, UnknownChannel) as error:
        return RefundAnswer(error=str(error))
    except Exception as error:
        log.exception("channel_broke", channel=payment.channel, refund_no=refund.refund_no)
        return RefundAnswer(error=f"the channel's code broke: {error!r}")
    reach("refund.sent")
    asked = (refund.refund_no, payment.payment_no)
    if answer.report and asked != (answer.report.refund_no, answer.report.payment_no):
        return RefundAnswer(error=f"the answer is about another: {answer.report.refund_no!r}")
    return answer


def _query_or_send(channel: Channel, refund: Refund, at_any_price: bool) -> RefundAnswer:
    """What may have been sent before is queried first: a channel may have forgotten its key."""
    is_sent = refund.status != RefundStatus.REQUESTED
    if is_sent or refund.send_calls > 1:
        report = channel.query_refund(
            refund_no=refund.refund_no, payment_no=refund.payment.payment_no
        )
        if is_sent or report.state is not RefundState.NOT_FOUND:
            return RefundAnswer(report)
        if not spend(refund.payment.channel) and not at_any_price:
            return RefundAnswer(no_budget=True)
    return _send(channel, refund)


def _send(channel: Channel, refund: Refund) -> RefundAnswer:
    payment = refund.payment
    try:
        report = channel.refund(
            refund_no=refund.refund_no,
            payment_no=payment.payment_no,
            channel_no=payment.channel_no,
            amount=refund.amount,
            currency=refund.currency,
            reason=refund.note or refund.get_reason_display(),
        )
    except DefiniteNo as error:
        return RefundAnswer(error=str(error), refused=True)
    return RefundAnswer(report)
