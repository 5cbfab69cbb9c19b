"""What differs between a statement and our rows, both ways."""

import pytest

from payments import services
from payments.channels.base import RefundState
from payments.models import Difference, Evidence, Statement
from payments.states import Source, Status
from tests.payments.statements.world import (
    A_DAY,
    AN_HOUR,
    DAY,
    MORNING,
    NOON,
    a_line,
    alerts,
    differences,
    everything,
    import_again,
    import_all,
    paid,
    paid_unnoticed,
    refunded,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_statement_that_agrees_leaves_nothing_to_do(channel):
    payment = paid(channel)
    refunded(channel, payment)
    channel.write_statement(DAY)

    assert import_all() == 1

    statement = Statement.objects.get()
    assert (statement.state, statement.lines, statement.matched) == ("compared", 2, 2)
    assert (differences(), alerts(), statement.due_at) == ([], [], None)
    assert not Evidence.objects.filter(source=Source.STATEMENT).exists()


def test_a_line_of_an_unknown_number_is_a_difference(channel):
    paid(channel)
    channel.write_statement(DAY, a_line(payment_no="not ours at all"))

    import_all()

    assert differences() == [("unknown_number", "not ours at all", "", "1250 CNY", "")]
    assert (Statement.objects.get().lines, Statement.objects.get().matched) == (2, 1)


def test_a_payment_of_another_channel_is_an_unknown_number_to_this_one(channel, other_channel):
    theirs = paid(other_channel)
    paid(channel)
    channel.write_statement(DAY, a_line(payment_no=theirs.payment_no))
    other_channel.write_statement(DAY)

    import_all()

    assert differences() == [("unknown_number", theirs.payment_no, "", "1250 CNY", "")]


def test_a_payment_without_a_line_is_missing_there(channel):
    there, missing = paid(channel), paid(channel)
    channel.write_statement(DAY, without=missing.payment_no)

    import_all()

    assert differences() == [("missing_there", missing.payment_no, "1250 CNY", "", "")]
    assert there.payment_no not in Difference.objects.get().payment_no
    assert alerts() == []


def test_a_refund_without_a_line_is_missing_there(channel):
    refund = refunded(channel, paid(channel))
    channel.write_statement(DAY, without=refund.refund_no)

    import_all()

    assert differences() == [("missing_there", refund.refund_no, "500 CNY", "", "")]


def test_a_payment_whose_time_the_channel_never_told_is_expected_on_no_day(channel):
    payment = paid(channel, paid_at=None)
    channel.write_statement(DAY, without=payment.payment_no)

    import_all()

    assert (differences(), alerts()) == ([], [])


@pytest.mark.parametrize(
    ("wrong", "theirs"), [({"amount": 1300}, "1300 CNY"), ({"currency": "JPY"}, "1250 JPY")]
)
def test_another_amount_or_currency_is_a_difference(channel, wrong, theirs):
    payment = paid(channel)
    channel.pay(payment.payment_no, **wrong)
    channel.write_statement(DAY)

    import_all()

    assert differences() == [("amount_differs", payment.payment_no, "1250 CNY", theirs, "")]


def test_a_mispaid_payment_agrees_when_the_line_says_what_was_received(channel):
    payment = paid(channel, amount=1)
    channel.write_statement(DAY)

    import_all()

    payment.refresh_from_db()
    assert (payment.status, differences()) == (Status.MISPAID, [])
    assert Statement.objects.get().matched == 1


def test_money_of_another_account_is_a_difference_of_state(channel):
    payment = paid(channel)
    channel.pay(payment.payment_no, merchant="somebody")
    channel.write_statement(DAY)

    import_all()

    assert differences() == [
        ("state_differs", payment.payment_no, "our-account", "somebody", ""),
    ]


def test_a_payment_that_reached_another_account_as_we_know_agrees(channel):
    paid(channel, merchant="somebody")
    channel.write_statement(DAY)

    import_all()

    assert differences() == []


def test_a_line_that_comes_twice_is_a_difference(channel):
    payment = paid(channel)
    again = a_line(payment_no=payment.payment_no, channel_no=payment.channel_no)
    channel.write_statement(DAY, again)

    import_all()

    assert differences() == [("state_differs", payment.payment_no, "once", "2 lines", "")]


def test_a_known_second_capture_agrees_unless_its_amount_differs(channel):
    payment = paid(channel)
    channel.charge_again(payment.payment_no)
    services.query_now(payment_no=payment.payment_no, now=NOON, actor="")
    channel.write_statement(DAY)
    import_all()
    assert differences() == []

    second = a_line(payment_no=payment.payment_no, capture_no="C2", amount=99)
    first = a_line(payment_no=payment.payment_no)
    channel.reports.clear()
    channel.write_statement(DAY, first, second)
    import_again()

    assert differences() == [("amount_differs", payment.payment_no, "1250 CNY", "99 CNY", "")]


def test_a_refund_made_at_the_channel_without_us_is_left_to_a_person(channel):
    payment = paid(channel)
    stray = a_line(kind="refund", payment_no=payment.payment_no, refund_no="BY-HAND", amount=300)
    channel.write_statement(DAY, stray)

    import_all()

    assert differences() == [("missing_here", "BY-HAND", "", "300 CNY", "")]


def test_a_refund_of_an_unknown_payment_is_an_unknown_number(channel):
    paid(channel)
    channel.write_statement(DAY, a_line(kind="refund", refund_no="R1"))

    import_all()

    assert differences() == [("unknown_number", "R1", "", "1250 CNY", "")]


@pytest.mark.parametrize(
    ("wrong", "difference"),
    [
        ({"amount": 400}, ("amount_differs", "500 CNY", "400 CNY")),
        ({"merchant": "somebody"}, ("state_differs", "our-account", "somebody")),
    ],
)
def test_a_refund_of_another_amount_or_account_is_a_difference(channel, wrong, difference):
    payment = paid(channel)
    refund_no = refunded(channel, payment).refund_no
    del channel.refunds[refund_no]
    line = {"kind": "refund", "payment_no": payment.payment_no, "refund_no": refund_no}
    channel.write_statement(DAY, a_line(**(line | {"amount": 500} | wrong)))

    import_all()

    kind, ours, theirs = difference
    assert differences() == [(kind, refund_no, ours, theirs, "")]


def test_a_refund_that_came_back_agrees_with_the_line_of_its_success(channel):
    """Else the older statement would make it succeed again."""
    refund = refunded(channel, paid(channel))
    channel.write_statement(DAY)
    channel.end_refund(refund.refund_no, RefundState.FAILED)
    services.query_refund_now(refund_no=refund.refund_no, now=MORNING, actor="")

    import_all()

    refund.refresh_from_db()
    assert (refund.status, differences()) == ("failed", [])


def test_importing_again_changes_nothing(channel):
    refunded(channel, paid(channel))
    missing, unnoticed = paid(channel), paid_unnoticed(channel)
    stray = a_line()
    channel.charge_again(unnoticed.payment_no)
    channel.write_statement(DAY, stray, without=missing.payment_no)
    import_all()
    before = everything()

    import_again()
    import_again(MORNING + 2 * AN_HOUR)

    assert everything() == before
    assert len(before["Difference"]) == 4


def test_what_a_corrected_statement_no_longer_says_resolves_itself(channel):
    _there, missing = paid(channel), paid(channel)
    channel.write_statement(DAY, a_line(), without=missing.payment_no)
    import_all()

    channel.write_statement(DAY)
    import_again()

    assert differences() == [
        ("missing_there", missing.payment_no, "1250 CNY", "", "the line has come"),
        ("unknown_number", a_line().payment_no, "", "1250 CNY", "gone from the statement"),
    ]
    assert Statement.objects.get().matched == 2


def test_what_had_healed_by_itself_and_is_back_is_open_again(channel):
    paid(channel)
    channel.write_statement(DAY, a_line())
    import_all()
    channel.write_statement(DAY)
    import_again()

    channel.write_statement(DAY, a_line())
    import_again()

    assert differences() == [("unknown_number", a_line().payment_no, "", "1250 CNY", "")]


def test_a_line_that_stands_in_the_next_days_statement_resolves_the_day_before(channel):
    late, other = paid(channel), paid(channel)
    channel.write_statement(DAY, without=late.payment_no)
    import_all()
    assert len(differences(resolved_at=None)) == 1

    channel.write_statement(DAY + A_DAY, without=other.payment_no)
    import_all(MORNING + A_DAY)

    resolution = f"in the statement of {DAY + A_DAY}"
    assert differences() == [("missing_there", late.payment_no, "1250 CNY", "", resolution)]


@pytest.mark.parametrize("days_off", [-1, 1, 2])
def test_a_line_that_stood_in_a_statement_imported_before_resolves_itself(channel, days_off):
    early = paid(channel)
    elsewhere = DAY + A_DAY * days_off
    channel.write_statement(elsewhere)
    import_again(MORNING + 3 * A_DAY, day=elsewhere)
    paid(channel)
    channel.write_statement(DAY, without=early.payment_no)

    import_again(MORNING + 3 * A_DAY)
    import_again(MORNING + 3 * A_DAY)

    resolution = f"in the statement of {elsewhere}"
    assert differences() == [("missing_there", early.payment_no, "1250 CNY", "", resolution)]
