"""Whichever number somebody holds finds the payment, and filters find what waits."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from payments.models import Evidence, Payment
from payments.states import Source, Verdict
from tests.factories import a_payment

pytestmark = pytest.mark.django_db


def found(client, page, **query):
    answer = client.get(reverse(f"admin:{page}_changelist"), query)
    return list(answer.context["cl"].result_list)


def a_callback_of(payment, event_id):
    return Evidence.objects.create(
        payment=payment,
        payment_no=payment.payment_no,
        channel="fake",
        source=Source.CALLBACK,
        event_id=event_id,
        received_at=timezone.now(),
        verdict=Verdict.REPEATED,
    )


@pytest.mark.parametrize("number", ["payment_no", "order_no", "channel_no", "idempotency_key"])
def test_a_payment_is_found_by_each_of_its_numbers(operator, channel, number):
    payment, _other = a_payment(), a_payment()

    assert found(operator, "payments_payment", q=getattr(payment, number)) == [payment]


def test_a_payment_is_found_by_the_id_of_an_event_about_it(operator, channel):
    payment, _other = a_payment(), a_payment()
    row = a_callback_of(payment, "evt-42")

    assert found(operator, "payments_payment", q="evt-42") == [payment]
    assert found(operator, "payments_evidence", q="evt-42") == [row]


def test_a_number_may_be_typed_in_small_letters(operator, channel):
    payment = a_payment()

    assert found(operator, "payments_payment", q=f" {payment.payment_no.lower()} ") == [payment]


def test_evidence_events_and_order_are_found_by_the_payments_number(operator, channel):
    payment, _other = a_payment(), a_payment()
    number = payment.payment_no

    assert found(operator, "payments_evidence", q=number) == list(payment.evidence.all())
    assert len(found(operator, "payments_paymentevent", q=number)) == 2
    assert [order.order_no for order in found(operator, "orders_order", q=payment.order_no)] == [
        payment.order_no
    ]


def test_an_order_is_found_by_the_number_of_its_payment(operator, payments_in_every_state):
    payment = payments_in_every_state[0]

    [order] = found(operator, "orders_order", q=payment.payment_no)

    assert order.order_no == payment.order_no


def test_any_page_finds_a_payment_by_its_number(operator, channel):
    payment = a_payment()

    answer = operator.get("/admin/search/", {"s": payment.payment_no, "extended": 1})

    assert payment.payment_no in answer.content.decode()


def test_what_is_overdue_is_listed_from_the_most_overdue_on(operator, channel):
    late, later, _soon = a_payment(), a_payment(), a_payment()
    now = timezone.now()
    for payment, minutes in ((late, 5), (later, 9)):
        due_at = now - dt.timedelta(minutes=minutes)
        Payment.objects.filter(pk=payment.pk).update(consult_due_at=due_at)

    assert found(operator, "payments_payment", waiting="overdue") == [later, late]


def test_the_fog_the_slow_lane_and_ages_have_filters(operator, payments_in_every_state):
    old = Payment.objects.filter(status="paying").first()
    now = timezone.now()
    Payment.objects.filter(pk=old.pk).update(
        slow_lane_at=now, created_at=now - dt.timedelta(hours=2)
    )

    fog = found(operator, "payments_payment", waiting="fog")

    assert {payment.status for payment in fog} == {"created", "paying"}
    assert found(operator, "payments_payment", waiting="slow") == [old]
    assert found(operator, "payments_payment", age="1d") == [old]
    assert len(found(operator, "payments_payment", age="10min", channel="fake")) == 6


def test_evidence_to_look_at_is_what_failed_contradicts_or_is_nobodys(operator, channel):
    payment = a_payment()
    rows = {verdict: a_callback_of(payment, f"evt-{verdict}") for verdict in Verdict}
    for verdict, row in rows.items():
        Evidence.objects.filter(pk=row.pk).update(verdict=verdict)

    listed = found(operator, "payments_evidence", look_at="week")

    assert {row.verdict for row in listed} == {"failed", "orphan", "contradicts"}
