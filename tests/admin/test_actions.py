"""What operators can do: ask the channel, replay a callback. Each leaves a trace."""

import datetime as dt

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from payments import services
from payments.channels.base import MalformedCallback, OutcomeUnknown
from payments.models import Evidence, Payment
from payments.states import Source, Status, Verdict
from tests.factories import a_payment, rewriting_history
from workers import relay

pytestmark = pytest.mark.django_db
LIST = "admin:payments_payment_changelist"


def query(client, payment):
    url = reverse("admin:payments_payment_query", args=[payment.pk])
    answer = client.post(url, follow=True)
    payment.refresh_from_db()
    return answer


def replay(client, evidence):
    url = reverse("admin:payments_evidence_replay", args=[evidence.pk])
    answer = client.post(url, follow=True)
    evidence.refresh_from_db()
    return answer


def query_all(client, payments):
    selected = [payment.pk for payment in payments]
    return client.post(
        reverse(LIST), {"action": "query_selected", "_selected_action": selected}, follow=True
    )


def said(answer):
    return [str(message) for message in answer.context["messages"]]


def a_kept_callback(channel, payment, verdict=Verdict.FAILED):
    """A callback whose settling failed, as a crash of ours would leave it."""
    headers, body = channel.callback(payment.payment_no)
    return Evidence.objects.create(
        channel="fake",
        source=Source.CALLBACK,
        event_id="evt-kept",
        headers=headers,
        body=body,
        received_at=timezone.now(),
        verdict=verdict,
    )


def test_a_query_finds_the_money_of_a_lost_callback_and_says_so(operator, channel):
    payment = a_payment()
    channel.pay(payment.payment_no)

    answer = query(operator, payment)

    assert payment.status == Status.SUCCEEDED
    assert said(answer) == [f"{payment}: Paying → Succeeded (it says “paid”)."]
    entry = LogEntry.objects.get()
    assert entry.user.username == "olga"
    assert entry.get_change_message() == (
        "Queried the channel: Paying → Succeeded (it says “paid”)."
    )
    assert payment.evidence.get(source=Source.OPERATOR).actor == "olga"


def test_a_query_of_a_silent_channel_changes_nothing_and_tells_why(operator, channel):
    payment = a_payment()
    channel.script("query", OutcomeUnknown("no answer in 5 s"))

    answer = query(operator, payment)

    assert payment.status == Status.PAYING
    assert said(answer) == [f"{payment}: still paying (no answer in 5 s)."]


def test_a_query_of_an_ended_payment_finds_late_money(operator, channel):
    payment = a_payment()
    services.close_payment(payment_no=payment.payment_no, now=timezone.now())
    channel.pay(payment.payment_no)

    query(operator, payment)

    assert payment.status == Status.SUCCEEDED


def test_the_selected_payments_are_queried_together(operator, channel):
    paid, unpaid = a_payment(), a_payment()
    channel.pay(paid.payment_no)

    answer = query_all(operator, [paid, unpaid])

    assert sorted(Payment.objects.values_list("status", flat=True)) == ["paying", "succeeded"]
    assert len(said(answer)) == LogEntry.objects.count() == 2


def test_too_many_selected_payments_are_not_begun(operator, channel):
    answer = query_all(operator, [a_payment() for _ in range(21)])

    assert said(answer) == ["Select 20 payments at most: nothing was asked."]
    assert channel.calls["query"] == 0


def test_a_replayed_callback_is_judged_again(operator, channel):
    payment = a_payment()
    channel.pay(payment.payment_no)
    evidence = a_kept_callback(channel, payment)

    answer = replay(operator, evidence)

    payment.refresh_from_db()
    assert (payment.status, evidence.verdict) == (Status.SUCCEEDED, Verdict.APPLIED)
    assert said(answer) == ["Replayed the callback: Failed → Applied."]
    assert LogEntry.objects.get().get_change_message() == said(answer)[0]


def test_a_callback_whose_signature_no_longer_verifies_is_not_replayed(operator, channel):
    evidence = a_kept_callback(channel, a_payment())
    with rewriting_history():
        Evidence.objects.update(headers={})

    answer = replay(operator, evidence)

    assert evidence.verdict == Verdict.FAILED
    assert said(answer)[0].startswith("Not replayed: its signature does not verify.")


def test_an_unreadable_callback_is_not_replayed(operator, channel):
    headers, body = channel.signed(b"not json")
    evidence = a_kept_callback(channel, a_payment())
    with rewriting_history():
        Evidence.objects.filter(pk=evidence.pk).update(headers=headers, body=body)

    answer = replay(operator, evidence)

    assert said(answer)[0].startswith("Not replayed: it can't be read.")
    assert MalformedCallback.__doc__


def test_a_callback_of_a_channel_that_was_retired_is_not_replayed(operator, channel, settings):
    evidence = a_kept_callback(channel, a_payment())
    settings.NODROP_CHANNELS = {"other": settings.NODROP_CHANNELS["other"]}

    answer = replay(operator, evidence)

    assert said(answer)[0].startswith("Not replayed: its channel is not configured any more.")


def test_an_onlooker_sees_no_button_and_is_refused(onlooker, channel):
    payment = a_payment()
    evidence = a_kept_callback(channel, payment)
    page = onlooker.get(reverse("admin:payments_payment_change", args=[payment.pk]))

    answers = [
        query(onlooker, payment),
        replay(onlooker, evidence),
    ]
    query_all(onlooker, [payment])

    assert page.status_code == 200
    assert b"Query the channel now" not in page.content
    assert {answer.status_code for answer in answers} == {403}
    assert channel.calls["query"] == 0


def test_a_link_can_trigger_nothing(operator, channel):
    payment = a_payment()
    evidence = a_kept_callback(channel, payment)

    answers = [
        operator.get(reverse("admin:payments_payment_query", args=[payment.pk])),
        operator.get(reverse("admin:payments_evidence_replay", args=[evidence.pk])),
    ]

    assert {answer.status_code for answer in answers} == {405}


def test_a_foreign_form_can_trigger_nothing(operator, channel):
    payment = a_payment()
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = operator.cookies

    answer = query(strict, payment)

    assert answer.status_code == 403
    assert channel.calls["query"] == 0


def a_failing_event(channel):
    """A success that could not be told, whose next try is an hour away."""
    payment = a_payment()
    channel.pay(payment.payment_no)
    services.query_now(payment_no=payment.payment_no, now=timezone.now(), actor="")
    event = payment.events.last()
    event.relay_due_at = timezone.now() + dt.timedelta(hours=1)
    event.save(update_fields=["relay_due_at"])
    return event


def try_again(client, event):
    return client.post(
        reverse("admin:payments_paymentevent_changelist"),
        {"action": "try_again_now", "_selected_action": [event.pk]},
        follow=True,
    )


def test_an_event_whose_cause_is_mended_is_told_at_once(operator, channel):
    event = a_failing_event(channel)

    answer = try_again(operator, event)
    relay.relay_due(now=timezone.now())

    event.refresh_from_db()
    assert said(answer) == ["1 of 1 waited, and are being told now."]
    assert event.relayed_at is not None
    assert LogEntry.objects.get().get_change_message() == "Asked that the order be told now."


def test_an_event_that_was_told_is_not_told_again(operator, channel):
    event = a_failing_event(channel)
    relay.relay_due(now=timezone.now() + dt.timedelta(hours=2))

    answer = try_again(operator, event)

    assert said(answer) == ["0 of 1 waited, and are being told now."]
    assert relay.relay_due(now=timezone.now()) == 0


def test_who_may_only_look_can_not_have_an_event_told(onlooker, channel):
    event = a_failing_event(channel)

    try_again(onlooker, event)

    event.refresh_from_db()
    assert event.relay_due_at > timezone.now() + dt.timedelta(minutes=50)
