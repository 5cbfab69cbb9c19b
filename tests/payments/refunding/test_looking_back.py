"""What has gone back may bounce, and the news of it be lost: the channel is asked once more."""

import datetime as dt

import pytest

from alerts.models import Alert
from payments import services
from payments.channels.base import NotExecuted, RefundState
from payments.services.refunding.settling import LOOK_BACK
from payments.states import RefundStatus, Source

pytestmark = pytest.mark.django_db
A_MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def refund(channel, ask_for):
    """A refund that has gone back, as we know."""
    channel.refund_state = RefundState.SUCCEEDED
    refund = ask_for(500)
    services.refund_due(now=refund.created_at)
    refund.refresh_from_db()
    assert refund.status == RefundStatus.SUCCEEDED
    return refund


def look(refund, after):
    """Have the loop look for what is due so long after the refund's end."""
    services.refund_due(now=refund.settled_at + after + A_MINUTE)
    refund.refresh_from_db()


@pytest.mark.parametrize("looks", range(1, len(LOOK_BACK) + 1))
def test_a_bounce_of_which_nobody_tells_is_found(channel, refund, looks):
    settled_at = refund.settled_at
    for after in LOOK_BACK[: looks - 1]:
        look(refund, after)
    channel.end_refund(refund.refund_no, RefundState.FAILED)

    services.refund_due(now=settled_at + LOOK_BACK[looks - 1] + A_MINUTE)

    refund.refresh_from_db()
    refund.payment.refresh_from_db()
    assert (refund.status, refund.consult_due_at) == (RefundStatus.FAILED, None)
    assert refund.events.last().source == Source.CONSULT
    assert refund.payment.refundable == 1250
    assert Alert.objects.filter(kind="refund_failed", resolved_at=None).exists()


def test_what_has_not_bounced_in_a_month_is_asked_about_no_more(channel, refund):
    asked = channel.calls["query_refund"]

    for after in LOOK_BACK:
        look(refund, after)

    assert (refund.status, refund.consult_due_at) == (RefundStatus.SUCCEEDED, None)
    assert channel.calls["query_refund"] - asked == len(LOOK_BACK)
    assert not Alert.objects.exists()


def test_a_channel_that_gives_no_answer_then_is_asked_again(channel, refund):
    channel.script("query_refund", NotExecuted())
    channel.end_refund(refund.refund_no, RefundState.FAILED)

    look(refund, LOOK_BACK[0])
    assert refund.status == RefundStatus.SUCCEEDED
    services.refund_due(now=refund.consult_due_at)

    refund.refresh_from_db()
    assert refund.status == RefundStatus.FAILED
