"""The database connection is cut between lock and write: nothing is half done, nothing doubled."""

import psycopg2
import pytest
from django.db import connection

from orders.models import LedgerEntry, Order
from orders.services import money
from orders.states import OrderStatus
from payments import services
from payments.models import Evidence, Payment, PaymentEvent
from payments.services import settling
from payments.services.consulting import LEASE
from payments.states import Source, Status, Verdict
from tests.factories import a_payment
from tests.flows.world import at_once, call_back, later, relay_all
from workers import relay

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cut_the_next_settling(monkeypatch):
    """Call it, and the next settling loses its connection after it has locked its rows."""
    judge = settling._judge

    def arm():
        monkeypatch.setattr(settling, "_judge", judge_after_the_cut)

    def judge_after_the_cut(*args):
        monkeypatch.setattr(settling, "_judge", judge)
        cut(connection.connection.info.backend_pid)
        return judge(*args)

    return arm


def cut(pid):
    """Another connection kills ours, and waits until it is gone."""
    other = psycopg2.connect(**connection.get_connection_params())
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    other.close()


def in_a_process_of_its_own(call):
    """Run it on a connection that nobody else uses, as a worker or a web thread would."""
    return at_once(call)[0]


def status_of(payment):
    payment.refresh_from_db()
    return payment.status


def test_a_callback_cut_off_is_answered_500_and_the_channels_retry_settles_it(
    channel, cut_the_next_settling
):
    payment = a_payment()
    channel.pay(payment.payment_no)
    callback = channel.callback(payment.payment_no)
    cut_the_next_settling()

    answers = [in_a_process_of_its_own(lambda: call_back(callback).status_code) for _ in range(2)]

    assert answers == [500, 200]
    assert status_of(payment) == Status.SUCCEEDED
    assert payment.events.count() == 3
    assert Evidence.objects.get(source=Source.CALLBACK).verdict == Verdict.APPLIED


def test_a_consult_cut_off_is_due_again_after_its_lease(channel, cut_the_next_settling):
    payment = a_payment()
    channel.pay(payment.payment_no)
    cut_the_next_settling()

    in_a_process_of_its_own(lambda: services.consult_due(now=later(payment, 10)))
    assert status_of(payment) == Status.PAYING
    assert payment.consult_due_at == later(payment, 10) + LEASE
    assert payment.evidence.last().verdict == Verdict.FAILED

    services.consult_due(now=payment.consult_due_at)
    assert status_of(payment) == Status.SUCCEEDED
    assert payment.events.count() == 3


def test_a_batch_cut_off_is_settled_one_by_one_at_once(channel, cut_the_next_settling):
    payments = [a_payment() for _ in range(5)]
    for payment in payments:
        channel.pay(payment.payment_no)
    cut_the_next_settling()

    in_a_process_of_its_own(lambda: services.consult_due(now=later(payments[-1], 10)))

    assert set(Payment.objects.values_list("status", "version")) == {(Status.SUCCEEDED, 3)}
    assert Evidence.objects.filter(verdict=Verdict.APPLIED, source=Source.CONSULT).count() == 5


def test_a_relay_cut_off_in_mid_hand_over_pays_once(channel, monkeypatch):
    payment = a_payment()
    channel.pay(payment.payment_no)
    call_back(channel.callback(payment.payment_no))
    note = money.note_attempt

    def note_after_the_cut(*args):
        monkeypatch.setattr(money, "note_attempt", note)
        cut(connection.connection.info.backend_pid)
        return note(*args)

    monkeypatch.setattr(money, "note_attempt", note_after_the_cut)
    in_a_process_of_its_own(lambda: relay.relay_due(now=later(payment, 10)))
    assert PaymentEvent.objects.filter(relayed_at=None).count() == 1

    relay_all(later(payment, 60))

    assert LedgerEntry.objects.get().payment_no == payment.payment_no
    assert Order.objects.get().status == OrderStatus.PAID
