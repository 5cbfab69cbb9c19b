"""What each step may cost (DESIGN, budgets): SQL statements, savepoints included; BEGIN and COMMIT
are not counted. `pytest -rP` prints the figures."""

import json
import re

import psycopg2
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from common import wake as wakes
from payments import services, wake
from payments.channels.base import ChannelState
from payments.models import Payment
from payments.services import consulting
from payments.states import Status
from tests.factories import a_payment
from tests.flows.world import call_back, later
from workers import relay

pytestmark = pytest.mark.django_db(transaction=True)
FRAME = ("BEGIN", "COMMIT", "ROLLBACK")
ROWS = 20_000


class Statements(CaptureQueriesContext):
    """Counts what runs on this thread's connection."""

    def __init__(self, what: str) -> None:
        super().__init__(connection)
        self.what = what

    @property
    def sql(self) -> list[str]:
        return [query["sql"] for query in self.captured_queries]

    @property
    def count(self) -> int:
        return sum(not sql.startswith(FRAME) for sql in self.sql)

    @property
    def transactions(self) -> int:
        return sum(sql.startswith("BEGIN") for sql in self.sql)

    def __exit__(self, *exc: object) -> None:
        super().__exit__(*exc)
        print(f"{self.what}: {self.count} statements, {self.transactions} transactions")  # noqa: T201


@pytest.fixture
def published(monkeypatch):
    """Whether a transaction was open, for each call of the broker."""
    calls = []
    monkeypatch.setattr(
        wakes, "_publish", lambda *_, **__: calls.append(connection.in_atomic_block)
    )
    return calls


def test_a_callback_costs_eight_statements_in_one_transaction_and_wakes_after_it(
    app, channel, published
):
    payment = app.buy()
    channel.pay(payment.payment_no)
    callback = channel.callback(payment.payment_no)
    wake.woken(wake.RELAY_DUE)  # the relay has taken the start's wake-up
    published.clear()
    channel.calls.clear()

    with Statements("callback") as statements:
        assert call_back(callback).status_code == 200

    assert statements.count <= 8
    assert statements.transactions == 1
    assert published == [False]
    assert sum(channel.calls.values()) == 0


def test_a_repeated_callback_costs_one_statement(app, channel):
    payment = app.buy()
    channel.pay(payment.payment_no)
    callback = channel.callback(payment.payment_no)
    call_back(callback)

    with Statements("repeated callback") as statements:
        call_back(callback)

    assert statements.count == 1


def test_a_poll_costs_one_statement_and_no_call_of_the_channel(app, channel):
    payment = app.buy()
    channel.calls.clear()

    with Statements("status poll") as statements:
        app.poll(payment)

    assert (statements.count, sum(channel.calls.values())) == (1, 0)


@pytest.mark.parametrize("state", [ChannelState.PAID, ChannelState.PENDING])
def test_a_consult_of_a_full_batch_costs_less_than_a_statement_a_payment(channel, state):
    payments = [a_payment() for _ in range(consulting.BATCH)]
    if state is ChannelState.PAID:
        for payment in payments:
            channel.pay(payment.payment_no)

    with Statements(f"consult, {state}, batch of {consulting.BATCH}") as statements:
        services.consult_due(now=later(payments[-1], 10))

    assert channel.calls["query"] == consulting.BATCH
    assert statements.count <= 7
    assert statements.transactions <= 3


def test_a_consult_of_one_payment_costs_seven_statements(channel):
    payment = a_payment()
    channel.pay(payment.payment_no)

    with Statements("consult, one payment") as statements:
        services.consult_due(now=later(payment, 10))

    assert statements.count <= 7


def test_no_transaction_is_open_while_a_channel_is_asked(channel):
    place, seen = connection.get_connection_params(), []
    question = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND xact_start IS NOT NULL AND pid <> pg_backend_pid() AND backend_type LIKE 'client%'"
    )

    def look():
        other = psycopg2.connect(**place)
        other.autocommit = True
        with other.cursor() as cursor:
            cursor.execute(question)
            seen.append((cursor.fetchone()[0], connection.in_atomic_block, connection.connection))
        other.close()

    channel.before = dict.fromkeys(("create", "query", "close"), look)
    payment = a_payment()
    services.consult_due(now=later(payment, 10))
    services.close_payment(payment_no=payment.payment_no, now=later(payment, 100))

    assert sum(channel.calls.values()) == len(seen) == 5
    assert [(count, atomic) for count, atomic, _ in seen] == [(0, False)] * 5
    assert [mine for *_, mine in seen[1:]] == [None] * 4  # a pool's thread touches no database


def test_handing_over_an_event_costs_eleven_statements(app, channel):
    payments = [app.buy() for _ in range(10)]
    relay.relay_due(now=later(payments[-1], 1))
    for payment in payments:
        channel.pay(payment.payment_no)
        call_back(channel.callback(payment.payment_no))

    with Statements("relay of 10 successes") as statements:
        assert relay.relay_due(now=later(payments[-1], 60)) == 10

    assert statements.count <= 4 + 11 * 10


# --- Reading what is due -------------------------------------------------------------------------


@pytest.fixture
def twenty_thousand_paying(channel):
    """Payments in the fog, of which only three are due, and one of which has no due time."""
    three = [a_payment() for _ in range(3)]
    own = {
        "payment_no": "'P' || lpad(n::text, 20, '0')",
        "order_no": "'N' || n",
        "idempotency_key": "'key' || n",
        "consult_due_at": "now() + interval '1 day' + n * interval '1 second'",
    }
    names = [field.column for field in Payment._meta.concrete_fields if not field.primary_key]
    values = ", ".join(own.get(name, f'"{name}"') for name in names)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO payments_payment ({', '.join(names)}) SELECT {values}"
            f" FROM payments_payment, generate_series(1, {ROWS}) AS n WHERE id = %s",
            [three[0].pk],
        )
        cursor.execute("ANALYZE payments_payment")
    lost = Payment.objects.filter(payment_no__endswith="123").first()
    Payment.objects.filter(pk=lost.pk).update(consult_due_at=None)
    return three


def nodes_of(sql: str) -> set[tuple[str, str]]:
    """How PostgreSQL reads tables for this statement: (kind of scan, index)."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}")
        plan = json.dumps(cursor.fetchone()[0])
    scans = re.findall(r'"Node Type": "([^"]*Scan)"', plan)
    return {(scan, name) for scan in scans for name in re.findall(r'"Index Name": "([^"]+)"', plan)}


def scanned(sql: str) -> set[str]:
    """The tables of which PostgreSQL reads all rows for this statement."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}")
        plan = json.dumps(cursor.fetchone()[0])
    return set(re.findall(r'"Node Type": "Seq Scan"[^{}]*?"Relation Name": "([^"]+)"', plan))


def reads(statements: Statements) -> list[str]:
    """The statements that look for payments."""
    return [
        sql
        for sql in statements.sql
        if sql.startswith("SELECT") and 'FROM "payments_payment"' in sql
    ]


def is_by_index(sql: str) -> bool:
    return "Seq Scan" not in {scan for scan, _ in nodes_of(sql)} != set()


def test_a_claim_among_many_reads_only_the_index_of_what_is_due(twenty_thousand_paying):
    with Statements("consult of 3 among 20,000") as statements:
        assert services.consult_due(now=later(twenty_thousand_paying[-1], 10)) == 3

    claim = reads(statements)[0]
    assert "SKIP LOCKED" in claim
    assert nodes_of(claim) == {("Index Scan", "payment_consult_due")}


def test_a_sweep_among_many_reads_partial_indexes_and_never_by_offset(twenty_thousand_paying):
    with Statements("sweep of 4 among 20,000") as statements:
        assert services.sweep(now=later(twenty_thousand_paying[-1], 60), hours=1) == 4

    assert "OFFSET" not in " ".join(statements.sql)
    used = {index for sql in reads(statements) for _, index in nodes_of(sql)}
    assert used >= {"payment_consult_due", "payment_in_fog_without_due"}
    assert [sql for sql in reads(statements) if not is_by_index(sql)] == []


def test_announcing_among_many_reads_only_the_index_of_what_is_due(
    twenty_thousand_paying, published
):
    with Statements("announcing the next minute among 20,000") as statements:
        services.announce_due(now=later(twenty_thousand_paying[0], 1))

    assert statements.count == 2
    [sql] = reads(statements)
    assert {index for _, index in nodes_of(sql)} == {"payment_consult_due"}
    assert is_by_index(sql)


def test_the_relay_among_many_events_reads_only_the_index_of_what_is_due(app, channel):
    payment = app.buy()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO payments_paymentevent (payment_id, seq, from_status, to_status, source,"
            " occurred_at, relayed_at, relay_failures) SELECT %s, n, '', %s, 'start', now(),"
            f" now(), 0 FROM generate_series(1000, {1000 + ROWS}) AS n",
            [payment.pk, Status.PAYING],
        )
        cursor.execute("ANALYZE payments_paymentevent")

    with Statements("relay of 2 among 20,000 events") as statements:
        assert relay.relay_due(now=later(payment, 10)) == 2

    claim = next(sql for sql in statements.sql if "SKIP LOCKED" in sql)
    assert {index for _, index in nodes_of(claim)} >= {"event_relay_due"}
    assert "payments_paymentevent" not in scanned(claim)  # the one payment may well be
