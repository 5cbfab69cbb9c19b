"""The database itself keeps history and states the rules, whoever writes."""

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from orders.models import LedgerEntry
from payments import services
from payments.models import Evidence, Payment, PaymentEvent
from payments.states import Status
from tests.factories import a_payment
from workers import relay

pytestmark = pytest.mark.django_db


@pytest.fixture
def paid(channel):
    payment = a_payment()
    channel.pay(payment.payment_no)
    services.query_now(payment_no=payment.payment_no, now=timezone.now(), actor="")
    relay.relay_due(now=timezone.now())
    payment.refresh_from_db()
    return payment


def refused(statement):
    with pytest.raises(DatabaseError, match="is history"), transaction.atomic():
        connection.cursor().execute(statement)


@pytest.mark.parametrize("model", [Evidence, PaymentEvent, LedgerEntry])
def test_history_is_never_deleted(paid, model):
    refused(f"DELETE FROM {model._meta.db_table}")


@pytest.mark.parametrize(
    ("model", "change"),
    [
        (Evidence, "body = 'forged'"),
        (Evidence, "event_id = 'another'"),
        (PaymentEvent, "to_status = 'failed'"),
        (PaymentEvent, "seq = seq + 10"),
        (LedgerEntry, "amount = 1"),
        (LedgerEntry, "entry = 'surplus'"),
    ],
)
def test_history_is_never_rewritten(paid, model, change):
    refused(f"UPDATE {model._meta.db_table} SET {change}")


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"amount": 0}, "payment_amount_positive"),
        ({"currency": "cny"}, "payment_currency_is_iso_4217"),
        ({"payment_no": "with space"}, "payment_no_accepted_by_channels"),
        ({"status": "lost"}, "payment_status_known"),
        ({"received_amount": 1}, "succeeded_received_what_was_asked"),
        ({"consult_due_at": timezone.now()}, "only_the_fog_is_consulted"),
        ({"settled_at": None}, "an_end_has_a_time"),
    ],
)
def test_a_row_that_breaks_a_rule_is_refused_by_the_rules_name(paid, change, rule):
    with pytest.raises(IntegrityError, match=rule), transaction.atomic():
        Payment.objects.filter(pk=paid.pk).update(**change)


def test_two_payments_of_one_order_are_never_in_the_fog_together(channel):
    first = a_payment()
    second = Payment.objects.get(pk=first.pk)
    second.pk, second.payment_no = None, "P0000000000000000"

    with pytest.raises(IntegrityError, match="one_payment_in_the_fog_per_order"):
        second.save(force_insert=True)


def test_the_events_tell_the_status_without_a_gap(paid):
    events = list(paid.events.values_list("seq", "from_status", "to_status"))

    assert [seq for seq, _, _ in events] == list(range(1, paid.version + 1))
    assert [was for _, was, _ in events] == ["", *(to for _, _, to in events[:-1])]
    assert events[-1][2] == paid.status == Status.SUCCEEDED
