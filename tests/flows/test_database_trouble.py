"""A database that refuses, loses its answer to COMMIT, or is held up: all is done once."""

from contextlib import contextmanager, suppress

import psycopg2
import pytest
from django.db import OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper

from alerts.services import open_subjects
from orders.models import LedgerEntry, Order
from orders.states import Entry, OrderStatus
from payments.models import Evidence, RelayFailure
from payments.states import Source, Status, Verdict
from tests.flows.world import call_back, later, relay_all
from workers import relay

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_messages"),
]
REFUSALS = {
    "40001": "serialization failure",
    "40P01": "deadlock",
    "55P03": "lock timeout",
    "53100": "disk full",
    "25006": "read-only",
}
refused = pytest.mark.parametrize("code", REFUSALS, ids=REFUSALS.values())


@contextmanager
def refusing(table, code, *, on="INSERT"):
    """Each write to the table fails with this SQLSTATE."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{code}'; END $$"
        )
        cursor.execute(
            f"CREATE TRIGGER refuse BEFORE {on} ON {table} FOR EACH ROW EXECUTE FUNCTION refuse()"
        )
        try:
            yield
        finally:
            cursor.execute(f"DROP TRIGGER refuse ON {table}")
            cursor.execute("DROP FUNCTION refuse()")


@contextmanager
def somebody_else(statement, *values):
    """Another connection that ran a statement and leaves its transaction open."""
    other = psycopg2.connect(**connection.get_connection_params())
    try:
        with other.cursor() as cursor:
            cursor.execute(statement, values)
            yield
    finally:
        other.close()


@contextmanager
def impatient():
    """Nobody waits for a lock for longer than a moment here; in production it is ten seconds."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '100ms'")
        yield
        cursor.execute("RESET lock_timeout")


def paid_exactly_once(payment):
    payment.refresh_from_db()
    entries = list(LedgerEntry.objects.values_list("payment_no", "entry"))
    seqs = list(payment.events.order_by("seq").values_list("seq", flat=True))
    return (payment.status, Order.objects.get().status, entries, seqs) == (
        Status.SUCCEEDED,
        OrderStatus.PAID,
        [(payment.payment_no, Entry.APPLIED)],
        [1, 2, 3],
    )


@refused
def test_a_callback_that_the_database_refuses_is_no_2xx_and_taken_when_it_comes_again(
    app, channel, code
):
    payment = app.buy()
    channel.pay(payment.payment_no)
    callback = channel.callback(payment.payment_no)

    with refusing("payments_paymentevent", code):
        assert call_back(callback).status_code == 500
    assert Evidence.objects.get(source=Source.CALLBACK).verdict == Verdict.FAILED
    assert call_back(callback).status_code == 200

    relay_all(later(payment, 60))
    assert paid_exactly_once(payment)


@refused
def test_an_answer_that_the_database_refuses_is_asked_for_again(app, channel, beat, code):
    payment = app.buy()
    channel.pay(payment.payment_no)

    with refusing("payments_paymentevent", code):
        beat.tick(later(payment, 60))
    assert payment.evidence.last().verdict == Verdict.FAILED
    beat.tick(later(payment, 300))

    assert paid_exactly_once(payment)


@refused
def test_an_order_that_the_database_refuses_to_write_is_told_again(app, channel, code):
    payment = app.buy()
    channel.pay(payment.payment_no)
    call_back(channel.callback(payment.payment_no))

    with refusing("orders_ledgerentry", code):
        relay_all(later(payment, 60))
    assert RelayFailure.objects.exists()
    relay_all(later(payment, 180))

    assert paid_exactly_once(payment)


@pytest.mark.parametrize(
    ("table", "on"), [("payments_evidence", "INSERT"), ("payments_payment", "UPDATE")]
)
def test_a_disk_that_is_full_takes_no_callback_and_says_so(app, channel, table, on):
    payment = app.buy()
    channel.pay(payment.payment_no)
    callback = channel.callback(payment.payment_no)

    with refusing(table, "53100", on=on):
        assert call_back(callback).status_code == 500

    assert call_back(callback).status_code == 200


@pytest.mark.parametrize("nth", range(1, 9))
def test_a_commit_whose_answer_is_lost_is_harmless_wherever_it_is(
    app, channel, beat, monkeypatch, nth
):
    payment = app.buy()
    channel.pay(payment.payment_no)
    callback, commits, real = channel.callback(payment.payment_no), [], BaseDatabaseWrapper._commit

    def commit(self):
        real(self)
        commits.append(self)
        if len(commits) == nth:
            raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(BaseDatabaseWrapper, "_commit", commit)
    while call_back(callback).status_code != 200:
        pass
    for minute in (1, 3, 5):
        with suppress(OperationalError):
            beat.tick(later(payment, 60 * minute))

    assert len(commits) > nth
    assert paid_exactly_once(payment)


def test_a_reader_who_never_ends_holds_up_nobody(app, channel, beat):
    payment = app.buy()
    channel.pay(payment.payment_no)

    reads = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT * FROM payments_payment"
    with somebody_else(reads):
        beat.tick(later(payment, 60))

    assert paid_exactly_once(payment)


def test_a_payment_that_somebody_holds_is_answered_500_and_settled_later(app, channel):
    payment = app.buy()
    channel.pay(payment.payment_no)
    callback = channel.callback(payment.payment_no)
    holds = "SELECT FROM payments_payment WHERE id = %s FOR UPDATE"

    with impatient(), somebody_else(holds, payment.pk):
        assert call_back(callback).status_code == 500
    assert call_back(callback).status_code == 200

    relay_all(later(payment, 60))
    assert paid_exactly_once(payment)


def test_an_order_that_somebody_holds_is_an_alert_and_told_once_it_is_free(app, channel):
    payment = app.buy()
    channel.pay(payment.payment_no)
    call_back(channel.callback(payment.payment_no))

    with impatient(), somebody_else("SELECT FROM orders_order FOR UPDATE"):
        for minute in range(1, 7):
            relay.relay_due(now=later(payment, 120 * minute))
        assert open_subjects("alert.relay") == {payment.payment_no}
    relay_all(later(payment, 3600))

    assert paid_exactly_once(payment)


def test_nobody_holds_a_lock_or_an_idle_transaction_for_ever():
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        waits = cursor.fetchone()
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        idles = cursor.fetchone()

    assert (waits, idles) == (("10s",), ("1min",))
