"""A payment's story is told in order, with the time between."""

import datetime as dt

import pytest
from django.utils import timezone

from common.spans import describe_span
from payments import services
from payments.channels.base import OutcomeUnknown
from payments.models import Payment, PaymentEvent, RelayFailure
from payments.selectors import UnknownPayment
from payments.timeline import Kind, timeline
from tests.factories import a_payment, rewriting_history
from workers import relay

pytestmark = pytest.mark.django_db


def seconds(value):
    return dt.timedelta(seconds=value)


@pytest.fixture
def rescued(channel):
    """A payment whose callback was lost, found by the second consult, then told by a late one."""
    start = timezone.now() - seconds(60)
    payment = a_payment(started=start)
    channel.script("query", OutcomeUnknown("no answer in 5 s"))
    services.consult_due(now=start + seconds(11))
    channel.pay(payment.payment_no, paid_at=start + seconds(20))
    services.consult_due(now=start + seconds(35))
    with rewriting_history():
        PaymentEvent.objects.filter(to_status="created").delete()
    relay.relay_due(now=start + seconds(36))
    headers, body = channel.callback(payment.payment_no, event_id="evt-late")
    for _ in range(2):
        services.receive_callback(
            channel="fake", headers=headers, body=body, now=start + seconds(50)
        )
    return payment


def test_a_drop_that_was_caught_reads_as_a_story(rescued):
    entries = timeline(payment_no=rescued.payment_no)

    assert [entry.title for entry in entries] == [
        "Payment started",
        "Created at the channel",
        "Created → Paying",
        "Consult",
        "Shopper paid",
        "Consult",
        "Paying → Succeeded",
        "Order was told: Paying",
        "Order was told: Succeeded",
        "Callback",
    ]


def test_the_time_between_is_told(rescued):
    gaps = [entry.since_previous for entry in timeline(payment_no=rescued.payment_no)]

    assert gaps[0] is None
    assert [round(gap.total_seconds()) for gap in gaps[1:]] == [0, 0, 11, 9, 15, 0, 1, 0, 14]


def test_evidence_says_what_it_claimed_and_what_came_of_it(rescued):
    entries = timeline(payment_no=rescued.payment_no)
    told = {entry.title: entry for entry in entries}
    first_consult = next(entry for entry in entries if entry.title == "Consult")

    assert (first_consult.verdict, first_consult.detail) == ("inconclusive", "no answer in 5 s")
    assert told["Callback"].detail == "says “paid”; came 2 times; event evt-late"
    assert told["Callback"].verdict == "repeated"
    assert told["Callback"].has_body
    assert told["Paying → Succeeded"].detail == "received 12.50 CNY"


def test_an_order_that_could_not_be_told_is_part_of_the_story(channel):
    payment = a_payment()
    Payment.objects.update(order_no="N0000000000000000000")
    now = timezone.now()
    relay.relay_due(now=now)

    entries = timeline(payment_no=payment.payment_no)

    failed = [entry for entry in entries if entry.kind is Kind.RELAY_FAILURE]
    assert [entry.title for entry in failed] == [
        "Order could not be told: Created",
        "Order could not be told: Paying",
    ]
    assert all(entry.trouble and "UnknownOrder" in entry.detail for entry in failed)


def test_the_same_failure_over_and_over_is_one_line(channel):
    payment = a_payment()
    event = payment.events.first()
    for second in range(5):
        at = timezone.now() + seconds(second)
        RelayFailure.objects.create(event=event, at=at, error="the order side is down")

    entries = timeline(payment_no=payment.payment_no)

    [failed] = [entry for entry in entries if entry.kind is Kind.RELAY_FAILURE]
    assert failed.detail.startswith("5 times, last ")


def test_a_story_costs_five_queries(rescued, django_assert_num_queries):
    with django_assert_num_queries(5):
        timeline(payment_no=rescued.payment_no)


def test_there_is_no_story_of_an_unknown_payment():
    with pytest.raises(UnknownPayment):
        timeline(payment_no="P0")


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (0.04, "40 ms"),
        (0.9999, "1.0 s"),
        (9.94, "9.9 s"),
        (9.99, "10 s"),
        (59.7, "1 min"),
        (200, "3 min 20 s"),
        (7500, "2 h 5 min"),
        (86400, "1 d"),
        (3 * 86400 + 4 * 3600, "3 d 4 h"),
    ],
)
def test_a_length_of_time_is_read_at_a_glance(span, text):
    assert describe_span(seconds(span)) == text
