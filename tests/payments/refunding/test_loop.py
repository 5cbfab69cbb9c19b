"""The refunds' loop: sent once, asked about by a schedule, unknown until the channel speaks."""

import datetime as dt
from dataclasses import replace

import pytest
from django.db import connection
from django.utils import timezone

from alerts.models import Alert
from payments import services
from payments.channels.base import (
    DefiniteNo,
    NotExecuted,
    OutcomeUnknown,
    RefundState,
)
from payments.models import Refund
from payments.services.refunding import loop
from payments.services.refunding.settling import LOOK_BACK
from payments.states import RefundStatus, Source, Verdict
from tests.flows.world import at_once

pytestmark = pytest.mark.django_db
FAILURES = [OutcomeUnknown(), NotExecuted(), RuntimeError("the adapter has a bug")]


def after(refund, seconds):
    return refund.created_at + dt.timedelta(seconds=seconds)


def work(refund, seconds=0.0):
    """Have the loop look for what is due; the refund as it then is."""
    services.refund_due(now=after(refund, seconds))
    refund.refresh_from_db()
    return refund


def test_a_refund_is_sent_at_once_and_asked_about_until_it_is_done(channel, ask_for):
    refund = ask_for()

    assert work(refund).status == RefundStatus.PENDING
    channel.end_refund(refund.refund_no, RefundState.SUCCEEDED)
    assert work(refund, 15).status == RefundStatus.SUCCEEDED

    assert (channel.calls["refund"], channel.calls["query_refund"]) == (1, 1)
    sources = list(refund.evidence.values_list("source", "claim"))
    assert sources == [(Source.START, "pending"), (Source.CONSULT, "succeeded")]


def test_the_channel_is_told_our_number_as_its_key(channel, ask_for):
    refund = work(ask_for(500))

    assert list(channel.refunds) == [refund.refund_no]
    assert channel.refunds[refund.refund_no].amount == 500


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
def test_no_answer_is_unknown_and_never_a_failure(channel, ask_for, failure):
    channel.script("refund", failure)
    refund = work(ask_for())

    assert refund.status == RefundStatus.REQUESTED
    assert refund.evidence.get().verdict == Verdict.INCONCLUSIVE
    assert refund.consult_due_at > after(refund, 9)

    assert work(refund, 15).status == RefundStatus.PENDING


def test_a_lost_answer_is_asked_for_and_the_refund_not_sent_twice(channel, ask_for):
    channel.refund_state = RefundState.SUCCEEDED
    channel.script("refund", OutcomeUnknown(), executed=True)
    refund = work(ask_for())
    assert refund.status == RefundStatus.REQUESTED

    assert work(refund, 15).status == RefundStatus.SUCCEEDED

    assert (channel.calls["refund"], channel.calls["query_refund"]) == (1, 1)


def test_a_refund_that_never_arrived_is_sent_again_under_its_number(channel, ask_for):
    channel.script("refund", OutcomeUnknown())
    refund = work(ask_for())

    assert work(refund, 15).status == RefundStatus.PENDING

    assert (channel.calls["refund"], channel.calls["query_refund"]) == (2, 1)
    assert list(channel.refunds) == [refund.refund_no]


def test_a_refusal_of_the_only_call_is_the_channels_word(channel, ask_for):
    channel.script("refund", DefiniteNo("not enough money"))

    refund = work(ask_for())

    assert (refund.status, refund.error) == (RefundStatus.FAILED, "not enough money")
    assert "not enough money" in Alert.objects.get().detail


def test_a_refusal_of_a_repeat_proves_nothing_at_first(channel, ask_for):
    channel.script("refund", OutcomeUnknown(), DefiniteNo("more than is left"))
    refund = work(ask_for())

    assert work(refund, 15).status == RefundStatus.REQUESTED


def test_a_refusal_of_a_repeat_is_believed_when_no_call_can_be_under_way_any_more(channel, ask_for):
    channel.script("refund", OutcomeUnknown(), DefiniteNo(), DefiniteNo())
    refund = work(ask_for())
    work(refund, 15)

    assert work(refund, 650).status == RefundStatus.FAILED


def test_however_old_a_refund_is_a_refusal_soon_after_another_call_proves_nothing(channel, ask_for):
    channel.script("refund", OutcomeUnknown(), OutcomeUnknown(), DefiniteNo(), DefiniteNo())
    refund = work(ask_for())
    work(refund, 1300)
    number = refund.refund_no

    services.query_refund_now(refund_no=number, now=after(refund, 1360), actor="support")
    refund.refresh_from_db()
    assert (refund.status, refund.send_calls) == (RefundStatus.REQUESTED, 3)
    services.query_refund_now(refund_no=number, now=after(refund, 1970), actor="support")

    refund.refresh_from_db()
    assert refund.status == RefundStatus.FAILED


def test_a_refusal_of_a_question_is_no_refusal_of_the_refund(channel, ask_for):
    refund = work(ask_for())
    channel.script("query_refund", DefiniteNo("wrong key"))

    assert work(refund, 15).status == RefundStatus.PENDING


def test_a_rate_limit_is_asked_again_when_the_channel_says(channel, ask_for):
    channel.script("refund", NotExecuted("429", retry_after=1.0))

    refund = work(ask_for())

    assert after(refund, 1) <= refund.consult_due_at <= after(refund, 32)


@pytest.mark.django_db(transaction=True)
def test_the_lease_and_the_count_are_committed_before_the_question(channel, ask_for):
    refund, seen = ask_for(), []

    def look():  # in the question's own thread, with a connection of its own
        seen.append(Refund.objects.values_list("consult_due_at", "send_calls").get())
        connection.close()

    channel.before["refund"] = look
    work(refund)

    assert seen == [(after(refund, 90), 1)]


def test_a_channel_that_never_accepts_calls_a_person_after_half_an_hour(channel, ask_for):
    channel.script("refund", *[OutcomeUnknown()] * 20)
    refund = ask_for()

    for minute in (0, 5, 29):
        work(refund, minute * 60)
    assert not Alert.objects.exists()
    work(refund, 31 * 60)
    work(refund, 8 * 3600)

    assert Alert.objects.get().kind == "refund_slow"
    assert refund.status == RefundStatus.REQUESTED


def test_a_refund_at_the_bank_may_take_three_days(channel, ask_for):
    refund = work(ask_for())

    for hour in (1, 7, 25, 49):
        work(refund, hour * 3600)
    assert not Alert.objects.exists()
    work(refund, 97 * 3600)
    assert Alert.objects.get().kind == "refund_slow"

    channel.end_refund(refund.refund_no, RefundState.SUCCEEDED)
    work(refund, 130 * 3600)

    assert refund.status == RefundStatus.SUCCEEDED
    assert not Alert.objects.filter(resolved_at=None).exists()


def test_an_operator_may_ask_at_any_time_and_is_named(channel, ask_for):
    refund = work(ask_for())
    channel.end_refund(refund.refund_no, RefundState.SUCCEEDED)

    asked = services.query_refund_now(
        refund_no=refund.refund_no, now=timezone.now(), actor="olivia"
    )
    assert asked.status == RefundStatus.SUCCEEDED
    channel.end_refund(refund.refund_no, RefundState.FAILED)
    again = services.query_refund_now(
        refund_no=refund.refund_no, now=timezone.now(), actor="olivia"
    )

    assert again.status == RefundStatus.FAILED
    assert list(refund.evidence.filter(actor="olivia").values_list("source", flat=True)) == [
        Source.OPERATOR,
        Source.OPERATOR,
    ]


def test_an_open_refund_without_a_due_time_is_found(channel, ask_for):
    refund = ask_for()
    Refund.objects.update(consult_due_at=None)

    assert services.adopt_refunds(now=timezone.now()) == 1

    assert work(refund, 5).status == RefundStatus.PENDING


def test_one_refund_that_can_not_be_settled_stops_no_other(channel, ask_for, monkeypatch):
    poison, healthy = ask_for(100, origin="a"), ask_for(100, origin="b")
    settle = loop.settle_refunds

    def settle_but_one(*, findings, now):
        if any(finding.refund_no == poison.refund_no for finding in findings):
            raise RuntimeError("poison")
        settle(findings=findings, now=now)

    monkeypatch.setattr(loop, "settle_refunds", settle_but_one)
    work(healthy)

    assert healthy.status == RefundStatus.PENDING
    assert poison.evidence.get().verdict == Verdict.FAILED
    assert Alert.objects.values_list("kind", "subject").get() == ("unsettled", poison.refund_no)


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_send_a_refund_once(channel, ask_for):
    refund = ask_for()

    at_once(*[lambda: services.refund_due(now=after(refund, 0))] * 4)

    assert channel.calls["refund"] == 1


def test_callbacks_about_a_refund_go_through_the_same_door(client, channel, ask_for):
    refund = work(ask_for())
    channel.end_refund(refund.refund_no, RefundState.SUCCEEDED)
    headers, body = channel.refund_callback(refund.refund_no)

    answers = [
        client.post(
            "/callbacks/fake/", data=body, content_type="application/json", headers=headers
        ).status_code
        for _ in range(3)
    ]

    refund.refresh_from_db()
    assert (answers, refund.status) == ([200] * 3, RefundStatus.SUCCEEDED)
    row = refund.evidence.get(source=Source.CALLBACK)
    assert (row.times_received, row.verdict) == (3, Verdict.APPLIED)


@pytest.mark.django_db(transaction=True)
def test_a_refusal_that_answers_an_old_call_ends_no_refund_that_was_sent_since(channel, ask_for):
    """A worker froze between its claim and its call; another one sent the refund meanwhile."""
    refund = ask_for()

    def another_worker_is_faster():
        channel.before.clear()
        at_once(lambda: services.refund_due(now=after(refund, 120)))
        channel.script("refund", DefiniteNo("this number is being refunded"))

    channel.before["refund"] = another_worker_is_faster
    work(refund)

    assert (refund.status, refund.send_calls) == (RefundStatus.PENDING, 2)


def test_answers_that_contradict_are_asked_for_by_the_schedule(channel, ask_for):
    refund = work(ask_for(1000))
    wrong = replace(channel.refunds[refund.refund_no], state=RefundState.SUCCEEDED, amount=999)
    channel.refunds[refund.refund_no] = wrong

    for minute in range(0, 12 * 60, 2):
        work(refund, 60 * minute)

    assert refund.status == RefundStatus.PENDING
    assert channel.calls["query_refund"] < 12


def test_a_slow_refund_that_fails_at_last_is_slow_no_more(channel, ask_for):
    refund = work(ask_for())
    work(refund, 97 * 3600)
    assert Alert.objects.get().kind == "refund_slow"

    channel.end_refund(refund.refund_no, RefundState.FAILED)
    work(refund, 130 * 3600)

    assert [each.kind for each in Alert.objects.filter(resolved_at=None)] == ["refund_failed"]


def test_the_alert_of_a_failed_refund_ends_when_another_one_gives_the_money_back(channel, ask_for):
    channel.script("refund", DefiniteNo("not enough money"))
    work(ask_for(origin="a"))
    channel.refund_state = RefundState.SUCCEEDED

    work(ask_for(origin="by hand"))

    assert not Alert.objects.filter(resolved_at=None).exists()


def call_back(client, callback):
    headers, body = callback
    client.post("/callbacks/fake/", data=body, content_type="application/json", headers=headers)


@pytest.mark.parametrize("order", [("failed", "succeeded"), ("succeeded", "failed")])
@pytest.mark.parametrize("truth", [RefundState.FAILED, RefundState.SUCCEEDED])
def test_whichever_callback_comes_last_the_channels_own_answer_decides(
    client, channel, ask_for, order, truth
):
    """Callbacks overtake each other: the one that came last need not be the newest."""
    refund = work(ask_for())
    told = {state: channel.refund_callback(refund.refund_no, state=state) for state in order}
    channel.end_refund(refund.refund_no, truth)

    for state in order:
        call_back(client, told[state])
    work(refund, 3600)

    looks_back = refund.settled_at + LOOK_BACK[0] if truth is RefundState.SUCCEEDED else None
    assert (refund.status, refund.consult_due_at) == (truth, looks_back)


def test_a_callback_that_takes_an_end_back_is_asked_about_until_the_channel_answers(
    client, channel, ask_for
):
    refund = work(ask_for())
    late = channel.refund_callback(refund.refund_no, state=RefundState.SUCCEEDED)
    channel.end_refund(refund.refund_no, RefundState.FAILED)
    work(refund, 15)
    channel.script("query_refund", OutcomeUnknown())

    call_back(client, late)
    work(refund, 3600)
    assert (refund.status, refund.consult_due_at is None) == (RefundStatus.FAILED, False)
    work(refund, 48 * 3600)

    assert (refund.status, refund.consult_due_at) == (RefundStatus.FAILED, None)
