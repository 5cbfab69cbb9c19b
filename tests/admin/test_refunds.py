"""Refunds in the admin: found by any number, told as a story, asked about, and asked for again."""

import datetime as dt

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils import timezone

from alerts.models import Alert
from payments import services
from payments.channels.base import DefiniteNo, OutcomeUnknown, RefundState
from payments.models import Evidence, Payment, Refund, RefundEvent
from payments.services import GivenBackOtherwise
from payments.states import RefundReason, RefundStatus
from payments.timeline import refund_timeline, timeline
from tests.admin.story import (
    a_paid_payment,
    a_refund,
    found,
    get,
    post,
    said,
    select,
    send_refunds,
    tell_orders,
)
from tests.factories import rewriting_history

pytestmark = pytest.mark.django_db


@pytest.fixture
def refund(channel) -> Refund:
    """Accepted by the channel, and not done."""
    made = a_refund(a_paid_payment(channel), 400, note="cup was broken", actor="olga")
    send_refunds()
    made.refresh_from_db()
    return made


@pytest.fixture
def failed(channel) -> Refund:
    """Refused by the channel."""
    made = a_refund(a_paid_payment(channel), 400)
    channel.script("refund", DefiniteNo("the account is closed"))
    send_refunds()
    made.refresh_from_db()
    return made


def test_the_list_shows_a_refund_at_a_glance(operator, refund):
    html = get(operator, "payments_refund_changelist").content.decode()

    for text in (refund.refund_no, refund.payment.payment_no, "4.00 CNY", "Pending", "olga"):
        assert text in html


@pytest.mark.parametrize(
    "number",
    [
        lambda refund: refund.refund_no.lower(),
        lambda refund: refund.channel_no,
        lambda refund: refund.payment.payment_no,
        lambda refund: refund.payment.order_no,
        lambda refund: refund.payment.channel_no,
    ],
)
def test_a_refund_is_found_by_each_number(operator, channel, refund, number):
    a_refund(a_paid_payment(channel))

    assert found(operator, "payments_refund", q=number(refund)) == [refund]


def test_a_refund_is_found_by_the_id_of_a_callback_about_it(operator, channel, refund):
    headers, body = channel.refund_callback(refund.refund_no, event_id="evt-refund")
    services.receive_callback(channel="fake", headers=headers, body=body, now=timezone.now())

    assert found(operator, "payments_refund", q="evt-refund") == [refund]


def test_payment_and_order_are_found_by_the_number_of_a_refund(operator, channel, refund):
    channel.end_refund(refund.refund_no, RefundState.SUCCEEDED)
    services.query_refund_now(refund_no=refund.refund_no, now=timezone.now(), actor="")
    tell_orders()

    assert found(operator, "payments_payment", q=refund.refund_no) == [refund.payment]
    [order] = found(operator, "orders_order", q=refund.refund_no)
    assert order.order_no == refund.payment.order_no


def test_any_page_finds_a_refund_by_its_number(operator, refund):
    answer = operator.get("/admin/search/", {"s": refund.refund_no, "extended": 1})

    assert refund.refund_no in answer.content.decode()


def test_filters_find_what_is_under_way_slow_and_failed(operator, channel, refund, failed):
    slow = a_refund(a_paid_payment(channel))
    Refund.objects.filter(pk=slow.pk).update(slow_lane_at=timezone.now())

    assert found(operator, "payments_refund", waiting="open") == [refund, slow]
    assert found(operator, "payments_refund", waiting="slow") == [slow]
    assert found(operator, "payments_refund", waiting="failed") == [failed]
    assert found(operator, "payments_refund", status__exact="failed") == [failed]
    assert found(operator, "payments_refund", reason__exact="late") == []
    assert len(found(operator, "payments_refund", channel="fake")) == 3


def test_the_page_tells_the_refunds_story(operator, channel, refund):
    channel.end_refund(refund.refund_no, RefundState.SUCCEEDED)
    headers, body = channel.refund_callback(refund.refund_no, event_id="evt-done")
    services.receive_callback(channel="fake", headers=headers, body=body, now=timezone.now())
    tell_orders()

    page = get(operator, "payments_refund_change", refund.pk)

    assert [line["entry"].title for line in page.context["entries"]] == [
        "Refund requested",
        "Sent to the channel",
        "Requested → Pending",
        "Order was told: refund requested",
        "Order was told: refund pending",
        "Callback",
        "Pending → Succeeded",
        "Order was told: refund succeeded",
    ]
    assert b"evt-done" in page.content
    assert b"4.00 CNY; for the customer; asked by olga; cup was broken" in page.content
    assert page.context["relay_waiting"] == 0


def test_a_refunds_page_costs_the_same_with_a_long_story(
    operator, refund, django_assert_num_queries
):
    for _ in range(20):
        services.query_refund_now(refund_no=refund.refund_no, now=timezone.now(), actor="olga")

    with django_assert_num_queries(8):
        page = get(operator, "payments_refund_change", refund.pk)

    assert page.content.count(b"Query by an operator") == 20


def test_a_list_of_twenty_refunds_costs_three_queries(operator, channel, django_assert_num_queries):
    for _ in range(20):
        a_refund(a_paid_payment(channel))

    with django_assert_num_queries(3):
        get(operator, "payments_refund_changelist")


def test_the_page_answers_to_the_public_number(operator, refund):
    answer = get(operator, "payments_refund_change", refund.refund_no)

    assert answer.url == reverse("admin:payments_refund_change", args=[refund.pk])


def test_the_payments_story_tells_captures_and_refunds_in_order(channel, failed):
    payment = failed.payment
    channel.charge_again(payment.payment_no)
    services.query_now(payment_no=payment.payment_no, now=timezone.now(), actor="")

    entries = timeline(payment_no=payment.payment_no)

    titles = [entry.title for entry in entries]
    told = [title for title in titles if "efund" in title or "once more" in title or "→" in title]
    assert told == [
        "Created → Paying",
        "Paying → Succeeded",
        "Refund requested",
        "Refund sent to the channel",
        "Refund Requested → Failed",
        "Order was told: refund requested",
        "Order was told: refund failed",
        "Channel took money once more",
    ]
    [sent] = [entry for entry in entries if entry.title == "Refund sent to the channel"]
    assert (sent.refund_no, sent.evidence_id) == (
        failed.refund_no,
        Evidence.objects.get(refund=failed).pk,
    )
    [refused] = [entry for entry in entries if entry.status == "failed"]
    assert (refused.detail, refused.trouble) == ("the account is closed", True)


def test_a_refunds_story_costs_three_queries(refund, django_assert_num_queries):
    with django_assert_num_queries(3):
        refund_timeline(refund_no=refund.refund_no)


def test_a_query_learns_that_the_money_went_back(operator, channel, refund):
    channel.end_refund(refund.refund_no, RefundState.SUCCEEDED)

    answer = post(operator, "payments_refund_query", refund.pk)

    refund.refresh_from_db()
    assert refund.status == RefundStatus.SUCCEEDED
    text = f"{refund}: Pending → Succeeded (it says “succeeded”)."
    assert said(answer) == [text]
    entry = LogEntry.objects.get()
    assert entry.user.username == "olga"
    assert entry.get_change_message() == (
        "Queried the channel: Pending → Succeeded (it says “succeeded”)."
    )


def test_a_query_of_a_silent_channel_tells_why_nothing_is_known(operator, channel, refund):
    channel.script("query_refund", OutcomeUnknown("no answer in 5 s"))

    answer = post(operator, "payments_refund_query", refund.pk)

    assert said(answer) == [f"{refund}: still pending (no answer in 5 s)."]


def test_a_refund_that_failed_is_asked_for_again(operator, channel, failed):
    answer = post(operator, "payments_refund_again", failed.pk)

    fresh = Refund.objects.exclude(pk=failed.pk).get()
    assert (fresh.amount, fresh.reason, fresh.actor) == (400, RefundReason.CUSTOMER, "olga")
    assert fresh.refund_no != failed.refund_no
    assert said(answer) == [f"{fresh} asks for the money of {failed} again."]
    assert LogEntry.objects.get().get_change_message() == f"Refunded again by {fresh}."
    alert = Alert.objects.get(kind="refund_failed")
    assert alert.resolution == f"refunded again by {fresh}"


def test_two_clicks_ask_once_more_only(operator, failed):
    post(operator, "payments_refund_again", failed.pk)
    answer = post(operator, "payments_refund_again", failed.pk)

    assert Refund.objects.count() == 2
    assert said(answer) == [f"{failed} was asked for again by this refund already."]


def test_a_refund_under_way_is_not_asked_for_again(operator, refund):
    answer = post(operator, "payments_refund_again", refund.pk)

    assert Refund.objects.count() == 1
    assert said(answer) == ["Only a refund that has failed is asked for again."]


def test_surplus_that_nodrop_gives_back_already_is_not_given_back_twice(operator, channel, failed):
    with rewriting_history():
        Refund.objects.filter(pk=failed.pk).update(origin="surplus/P0/C2/1", reason="second")
    other = a_refund(failed.payment, 400, origin="surplus/P0/C2/2", reason=RefundReason.SECOND)

    answer = post(operator, "payments_refund_again", failed.pk)

    assert Refund.objects.count() == 2
    assert said(answer) == [f"This money is given back by {other} already."]
    assert GivenBackOtherwise.__doc__


def test_what_was_refunded_otherwise_since_is_refused(operator, channel, failed):
    a_refund(failed.payment)

    answer = post(operator, "payments_refund_again", failed.pk)

    assert said(answer) == [
        "Nothing is left to refund: no money came, or all of it goes back already."
    ]


def test_an_onlooker_sees_refunds_and_no_button(onlooker, refund, failed):
    pages = [get(onlooker, "payments_refund_change", row.pk).content for row in (refund, failed)]
    answers = [
        post(onlooker, "payments_refund_query", refund.pk),
        post(onlooker, "payments_refund_again", failed.pk),
    ]

    assert all(b"Query the channel now" not in html for html in pages)
    assert all(b"Refund again" not in html for html in pages)
    assert {answer.status_code for answer in answers} == {403}


def test_a_link_can_trigger_nothing(operator, refund):
    answers = [
        get(operator, f"payments_refund_{action}", refund.pk) for action in ("query", "again")
    ]

    assert {answer.status_code for answer in answers} == {405}


def test_the_order_is_told_of_a_refund_at_once_if_an_operator_wants(operator, channel):
    a_refund(a_paid_payment(channel))
    event = RefundEvent.objects.get()
    later = timezone.now() + dt.timedelta(hours=1)
    RefundEvent.objects.update(relay_due_at=later)

    answer = select(operator, "payments_refundevent", "try_again_now", event)
    tell_orders()

    event.refresh_from_db()
    assert said(answer) == ["1 of 1 waited, and are being told now."]
    assert event.relayed_at is not None


def test_evidence_of_a_refund_links_to_it(operator, refund):
    html = get(operator, "payments_evidence_changelist", q=refund.refund_no).content.decode()

    assert reverse("admin:payments_refund_change", args=[refund.pk]) in html
    assert Payment.objects.count() == 1
