"""What only the statement tells goes through the same doors, whatever else tells it too."""

from itertools import permutations

import pytest
from django.utils import timezone

from orders.models import LedgerEntry, Order
from orders.states import OrderStatus
from payments import services
from payments.channels.base import RefundState
from payments.models import Evidence, FurtherCapture, Payment, PaymentEvent, Refund, Statement
from payments.services.statements import door
from payments.states import RefundStatus, Source, Status, Verdict
from tests.flows.books import is_conserved
from tests.flows.world import call_back, relay_all
from tests.payments.statements.world import (
    DAY,
    MORNING,
    NOON,
    a_line,
    differences,
    import_again,
    import_all,
    notice,
    paid,
    paid_unnoticed,
    refunded,
)

pytestmark = pytest.mark.django_db(transaction=True)
SETTLED = "settled from the statement"
PAID = ("paying", "succeeded")


def from_the_statement():
    """Verdicts of what the statement told, in the order in which it was kept."""
    rows = Evidence.objects.filter(source=Source.STATEMENT)
    return list(rows.values_list("verdict", flat=True))


def test_a_payment_that_every_other_net_missed_pays_its_order(channel):
    payment = paid_unnoticed(channel)
    channel.write_statement(DAY)

    import_all()
    relay_all(MORNING)

    payment.refresh_from_db()
    assert (payment.status, payment.paid_at, payment.capture_no) == (Status.SUCCEEDED, NOON, "C1")
    assert payment.events.last().source == Source.STATEMENT
    assert Order.objects.get().status == OrderStatus.PAID
    assert differences() == [("missing_here", payment.payment_no, "paying", "1250 CNY", SETTLED)]
    assert Statement.objects.get().matched == 1
    assert is_conserved(channel.held())


def test_a_payment_that_we_had_closed_is_settled_too(channel):
    payment = paid_unnoticed(channel)
    Payment.objects.update(status=Status.CLOSED, settled_at=NOON, consult_due_at=None)
    channel.write_statement(DAY)

    import_all()

    assert Payment.objects.get().status == Status.SUCCEEDED
    assert differences() == [("missing_here", payment.payment_no, "closed", "1250 CNY", SETTLED)]


def test_other_money_than_was_asked_for_makes_it_mispaid(channel):
    payment = paid_unnoticed(channel, amount=1)
    channel.write_statement(DAY)

    import_all()

    assert Payment.objects.get().status == Status.MISPAID
    assert differences() == [("missing_here", payment.payment_no, "paying", "1 CNY", SETTLED)]


def test_a_second_capture_that_only_the_statement_tells_of_is_owed_back(channel):
    payment = paid(channel)
    channel.charge_again(payment.payment_no)
    channel.write_statement(DAY)

    import_all()
    relay_all(MORNING)

    assert FurtherCapture.objects.get().capture_no == "C2"
    assert differences() == [("missing_here", payment.payment_no, "succeeded", "1250 CNY", SETTLED)]
    assert Refund.objects.get().amount == 1250
    assert is_conserved(channel.held())


def test_both_captures_of_an_unnoticed_payment_are_settled_at_once(channel):
    payment = paid_unnoticed(channel)
    channel.charge_again(payment.payment_no)
    channel.write_statement(DAY)

    import_all()
    relay_all(MORNING)

    payment.refresh_from_db()
    assert (payment.status, payment.captured_total) == (Status.SUCCEEDED, 2500)
    assert [each[4] for each in differences()] == [SETTLED] * 2
    assert is_conserved(channel.held())


def test_a_refund_that_every_other_net_missed_is_settled(channel):
    refund = refunded(channel, paid(channel), noticed=False)
    channel.write_statement(DAY)

    import_all()

    refund.refresh_from_db()
    assert (refund.status, refund.refunded_at) == (RefundStatus.SUCCEEDED, NOON)
    assert differences() == [("missing_here", refund.refund_no, "pending", "500 CNY", SETTLED)]


def test_a_refund_that_the_door_refuses_is_left_to_a_person(channel):
    payment = paid(channel)
    refund = refunded(channel, payment, noticed=False)
    del channel.refunds[refund.refund_no]
    more = {"kind": "refund", "refund_no": refund.refund_no, "payment_no": payment.payment_no}
    channel.write_statement(DAY, a_line(**more, amount=600))

    import_all()
    import_again()

    assert Refund.objects.get().status == RefundStatus.PENDING
    assert differences() == [("state_differs", refund.refund_no, "pending", "600 CNY", "")]
    assert from_the_statement() == [Verdict.CONTRADICTS]
    assert Statement.objects.get().matched == 1


@pytest.mark.parametrize("truth", [RefundState.FAILED, RefundState.SUCCEEDED])
def test_a_line_of_a_refund_that_has_failed_since_has_the_channel_asked(channel, truth):
    """It went back on that day, and bounced before anybody knew: the line tells half of it."""
    refund = refunded(channel, paid(channel), noticed=False)
    channel.write_statement(DAY)
    channel.end_refund(refund.refund_no, RefundState.FAILED)
    services.query_refund_now(refund_no=refund.refund_no, now=NOON, actor="")
    channel.end_refund(refund.refund_no, truth, refunded_at=NOON)

    import_all()
    refund.refresh_from_db()
    assert (refund.status, from_the_statement()) == ("failed", [Verdict.INCONCLUSIVE])
    services.refund_due(now=MORNING)

    refund.refresh_from_db()
    assert refund.status == truth
    assert differences() == [("state_differs", refund.refund_no, "failed", "500 CNY", "")]
    assert Payment.objects.get().refund_total == (500 if truth is RefundState.SUCCEEDED else 0)


def test_many_unnoticed_payments_are_settled_in_batches(channel, monkeypatch):
    monkeypatch.setattr(door, "BATCH", 7)
    payments = [paid_unnoticed(channel) for _ in range(20)]
    channel.write_statement(DAY)

    import_all()

    assert from_the_statement() == [Verdict.APPLIED] * 20
    assert Payment.objects.filter(status=Status.SUCCEEDED).count() == len(payments)
    assert Statement.objects.get().matched == 20


def test_one_line_that_breaks_stops_no_other_and_is_tried_again(channel, monkeypatch):
    broken, fine = paid_unnoticed(channel), paid_unnoticed(channel)
    channel.write_statement(DAY)
    settle = door.settle

    def break_one(*, findings, now):
        if broken.payment_no in [finding.payment_no for finding in findings]:
            raise RuntimeError("no luck")
        settle(findings=findings, now=now)

    monkeypatch.setattr(door, "settle", break_one)
    import_all()
    fine.refresh_from_db()
    statement = Statement.objects.get()
    assert (fine.status, statement.state) == (Status.SUCCEEDED, "waiting")
    assert statement.error == "1 lines could not be settled: their evidence says why"

    monkeypatch.undo()
    import_all(statement.due_at)

    assert Payment.objects.filter(status=Status.SUCCEEDED).count() == 2
    assert [each[4] for each in differences()] == [SETTLED] * 2
    assert Statement.objects.get().matched == 2
    assert channel.calls["statement"] == 1


def by_callback(channel, payment):
    assert call_back(channel.callback(payment.payment_no)).status_code == 200


def by_consult(channel, payment):
    notice(payment, at=MORNING)


def by_statement(channel, payment):
    import_again()


def final_rows(payment):
    """What is true in the end, but for who told it first, and when."""
    payment.refresh_from_db()
    money = (payment.received_amount, payment.received_currency, payment.received_merchant)
    events = PaymentEvent.objects.filter(payment=payment)
    return (
        (payment.status, payment.version, payment.paid_at, payment.capture_no, *money),
        (payment.captured_total, payment.refund_total, payment.consult_due_at),
        list(events.values_list("seq", "from_status", "to_status", "capture__capture_no")),
        list(LedgerEntry.objects.values_list("entry", "why", "capture_no", "amount", "currency")),
        list(Order.objects.values_list("status", "total")),
        list(Refund.objects.values_list("amount", "currency", "reason")),
    )


@pytest.mark.parametrize("order", list(permutations([by_callback, by_consult, by_statement])))
def test_callback_consult_and_statement_in_any_order_give_the_same_rows(channel, order):
    payment = paid_unnoticed(channel)
    channel.write_statement(DAY)

    for tell in order:
        tell(channel, payment)
    relay_all(timezone.now())

    assert final_rows(payment) == (
        ("succeeded", 3, NOON, "C1", 1250, "CNY", "our-account"),
        (1250, 0, None),
        [(1, "", "created", None), (2, "created", "paying", None), (3, *PAID, None)],
        [("applied", "", "", 1250, "CNY")],
        [("paid", 1250)],
        [],
    )
    assert differences(resolved_at=None) == []


@pytest.mark.parametrize("order", list(permutations([by_callback, by_consult, by_statement])))
def test_a_second_capture_told_in_any_order_gives_the_same_rows(channel, order):
    payment = paid_unnoticed(channel)
    channel.charge_again(payment.payment_no)
    channel.write_statement(DAY)

    for tell in order:
        tell(channel, payment)
    relay_all(timezone.now())

    assert final_rows(payment) == (
        ("succeeded", 4, NOON, "C1", 1250, "CNY", "our-account"),
        (2500, 1250, None),
        [
            *[(1, "", "created", None), (2, "created", "paying", None), (3, *PAID, None)],
            (4, "succeeded", "succeeded", "C2"),
        ],
        [("applied", "", "", 1250, "CNY"), ("surplus", "second", "C2", 1250, "CNY")],
        [("paid", 1250)],
        [(1250, "CNY", "second")],
    )
    assert differences(resolved_at=None) == []
