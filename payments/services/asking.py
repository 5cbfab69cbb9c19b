"""Asking a channel about one payment. Runs in a thread of its own, and touches no database."""

import datetime as dt
from dataclasses import dataclass

import structlog

from payments.channels.base import Channel, ChannelError, ChannelState, NotExecuted, Report
from payments.channels.registry import UnknownChannel, get_channel
from payments.models import Payment

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of asking: a report, or why there is none."""

    report: Report | None = None
    error: str = ""
    retry_after: float | None = None  # seconds, where the channel asked for a pause


def ask(payment: Payment, now: dt.datetime) -> Answer:
    """Query one payment, and close it where that was asked for. Never raises."""
    try:
        channel = get_channel(payment.channel)
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
    if payment.close_asked_at and still_open and channel.capabilities.can_close:
        channel.close(payment_no=payment.payment_no, channel_no=payment.channel_no)
        report = channel.query(payment_no=payment.payment_no, channel_no=payment.channel_no)
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
