"""Asking for a refund: never more than was captured, and one refund for each origin."""

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from payments import services
from payments.models import Payment, Refund
from payments.selectors import UnknownPayment
from payments.services import (
    NothingToRefund,
    OriginReused,
    RefundNotPossible,
    RefundTooLarge,
)
from payments.states import RefundReason, RefundStatus, Status
from tests.factories import a_payment
from tests.flows.world import at_once

pytestmark = pytest.mark.django_db


def totals(payment):
    payment.refresh_from_db()
    return payment.captured_total, payment.refund_total, payment.refundable


def test_a_refund_of_all_is_the_default(paid, ask_for):
    refund = ask_for()

    assert (refund.amount, refund.currency, refund.status) == (1250, "CNY", RefundStatus.REQUESTED)
    assert refund.consult_due_at == refund.created_at
    assert [event.to_status for event in refund.events.all()] == [RefundStatus.REQUESTED]
    assert totals(paid) == (1250, 1250, 0)


def test_refunds_in_parts_add_up(paid, ask_for):
    ask_for(1000, origin="a")
    ask_for(250, origin="b")

    assert totals(paid) == (1250, 1250, 0)


def test_more_than_is_left_is_refused_with_what_is_left(paid, ask_for):
    ask_for(1000, origin="a")

    with pytest.raises(RefundTooLarge, match=r"2\.50 CNY can be refunded") as refused:
        ask_for(251, origin="b")

    assert refused.value.refundable == 250
    assert totals(paid) == (1250, 1000, 250)


def test_when_all_goes_back_nothing_more_does(paid, ask_for):
    ask_for(origin="a")

    with pytest.raises(NothingToRefund, match="all of it goes back already"):
        ask_for(origin="b")


def test_a_payment_without_money_has_nothing_to_refund(channel):
    payment = a_payment()

    with pytest.raises(NothingToRefund):
        services.request_refund(
            payment_no=payment.payment_no,
            amount=None,
            reason=RefundReason.CUSTOMER,
            origin="a",
            now=timezone.now(),
        )


@pytest.mark.parametrize("amount", [0, -1])
def test_an_amount_that_is_not_positive_is_refused(ask_for, amount):
    with pytest.raises(ValueError, match="positive"):
        ask_for(amount)


def test_the_same_origin_is_the_same_refund(paid, ask_for):
    assert ask_for(500) == ask_for(500) == ask_for()

    assert Refund.objects.count() == 1
    assert totals(paid) == (1250, 500, 750)


def test_the_same_origin_for_another_refund_is_refused(ask_for):
    ask_for(500)

    with pytest.raises(OriginReused, match="take a new key"):
        ask_for(501)


def test_an_unknown_payment_is_named(channel):
    with pytest.raises(UnknownPayment, match="P404"):
        services.request_refund(
            payment_no="P404",
            amount=1,
            reason=RefundReason.CUSTOMER,
            origin="a",
            now=timezone.now(),
        )


def test_money_that_went_to_another_account_is_not_ours_to_refund(channel):
    payment = a_payment()
    channel.pay(payment.payment_no, merchant="somebody-else")
    fresh = services.query_now(payment_no=payment.payment_no, now=timezone.now(), actor="")
    assert fresh.status == Status.MISPAID

    with pytest.raises(RefundNotPossible, match="somebody-else"):
        services.request_refund(
            payment_no=payment.payment_no,
            amount=None,
            reason=RefundReason.MISPAID,
            origin="a",
            now=timezone.now(),
        )


def test_the_database_itself_refuses_to_refund_more_than_was_captured(paid):
    with (
        pytest.raises(IntegrityError, match="never_more_refunded_than_captured"),
        transaction.atomic(),
    ):
        Payment.objects.filter(pk=paid.pk).update(refund_total=1251)


@pytest.mark.django_db(transaction=True)
def test_two_operators_at_once_never_refund_more_than_was_captured(paid, ask_for):
    def ask(number):
        def call():
            try:
                return ask_for(800, origin=f"operator/{number}")
            except RefundTooLarge as refused:
                return refused

        return call

    answers = at_once(*(ask(number) for number in range(6)))

    assert sum(isinstance(answer, Refund) for answer in answers) == 1
    assert totals(paid) == (1250, 800, 450)


@pytest.mark.django_db(transaction=True)
def test_one_operator_who_clicks_twice_makes_one_refund(paid, ask_for):
    refunds = at_once(*[lambda: ask_for(800)] * 6)

    assert len({refund.pk for refund in refunds}) == 1
    assert totals(paid) == (1250, 800, 450)


def test_what_was_captured_twice_goes_back_first_whoever_asks(channel, paid, ask_for):
    """Else an operator's refund would not count, and Nodrop would send the money once more."""
    channel.charge_again(paid.payment_no)
    services.query_now(payment_no=paid.payment_no, now=timezone.now(), actor="")

    asked = [ask_for(amount, origin=str(amount)) for amount in (1000, 250, 1249)]

    reasons = [refund.reason for refund in asked]
    assert reasons == [RefundReason.SECOND, RefundReason.SECOND, RefundReason.CUSTOMER]
    assert ask_for(1000, origin="1000") == asked[0]


def test_a_payment_that_the_former_release_has_settled_can_be_refunded(paid, ask_for):
    Payment.objects.update(captured_total=0, received_merchant="")

    ask_for(1000)

    assert totals(paid) == (1250, 1000, 250)
