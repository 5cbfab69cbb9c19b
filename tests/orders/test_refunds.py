"""Money that went back: the ledger tells of it, and the order is refunded once all of it has."""

import pytest
from django.utils import timezone

from alerts.models import Alert
from orders import services
from orders.states import Entry, OrderStatus
from tests.factories import an_order

pytestmark = pytest.mark.django_db
NO = "P000000000000000"


def pay(order, *, payment_no=NO, amount=1250, mispaid=False):
    record = services.record_mispayment if mispaid else services.record_payment
    record(
        order_no=order.order_no,
        payment_no=payment_no,
        seq=3,
        amount=amount,
        currency="CNY",
        now=timezone.now(),
    )
    order.refresh_from_db()


def refund(order, amount, *, refund_no="R1", seq=2, payment_no=NO, bounced=False):
    values = {
        "order_no": order.order_no,
        "payment_no": payment_no,
        "refund_no": refund_no,
        "seq": seq,
        "amount": amount,
        "currency": "CNY",
        "now": timezone.now(),
    }
    if bounced:
        services.record_bounce(**values)
    else:
        services.record_refund(**values, reason="customer")
    order.refresh_from_db()


def ledger(order):
    return list(order.ledger.values_list("entry", "amount"))


def test_a_refund_of_a_part_leaves_the_order_paid():
    order = an_order()
    pay(order)

    refund(order, 1000)

    assert order.status == OrderStatus.PAID
    assert ledger(order) == [(Entry.APPLIED, 1250), (Entry.REFUND, 1000)]


def test_the_order_is_refunded_when_all_of_its_money_has_gone_back():
    order = an_order()
    pay(order)

    refund(order, 1000, refund_no="R1")
    refund(order, 250, refund_no="R2")

    assert (order.status, order.refunded_at is not None) == (OrderStatus.REFUNDED, True)


def test_a_second_payment_that_went_back_leaves_the_order_paid():
    order = an_order()
    pay(order)
    pay(order, payment_no="P1111111111111111")

    refund(order, 1250, payment_no="P1111111111111111")

    assert order.status == OrderStatus.PAID


def test_late_money_that_went_back_makes_a_cancelled_order_refunded():
    order = an_order()
    services.cancel_order(order_no=order.order_no, now=timezone.now())
    pay(order)

    refund(order, 1250)

    assert order.status == OrderStatus.REFUNDED


def test_mispaid_money_that_went_back_leaves_an_open_order_open():
    order = an_order()
    pay(order, amount=1, mispaid=True)

    refund(order, 1)
    assert order.status == OrderStatus.UNPAID

    services.begin_closing(now=order.expires_at)
    order.refresh_from_db()
    assert order.status == OrderStatus.REFUNDED


def test_the_same_refund_is_recorded_once():
    order = an_order()
    pay(order)

    for _ in range(3):
        refund(order, 1000)

    assert len(ledger(order)) == 2


def test_a_refund_that_came_back_takes_the_order_back_and_calls_a_person():
    order = an_order()
    pay(order)
    refund(order, 1250, seq=2)

    refund(order, 1250, seq=3, bounced=True)
    assert (order.status, order.refunded_at) == (OrderStatus.PAID, None)
    assert Alert.objects.get().kind == "refund_bounced"

    refund(order, 1250, seq=4)
    assert order.status == OrderStatus.REFUNDED
    assert [entry for entry, _ in ledger(order)] == ["applied", "refund", "bounced", "refund"]


def test_money_that_comes_after_the_refund_leaves_the_order_refunded():
    order = an_order()
    pay(order)
    refund(order, 1250)

    pay(order, payment_no="P1111111111111111")
    assert order.status == OrderStatus.REFUNDED

    refund(order, 1250, refund_no="R2", payment_no="P1111111111111111")
    assert order.status == OrderStatus.REFUNDED


def test_who_watches_an_order_hears_of_a_refund_that_was_asked_for():
    order = an_order()
    pay(order)
    version = order.version

    services.note_refund(order_no=order.order_no, now=timezone.now())

    order.refresh_from_db()
    assert (order.version, order.status) == (version + 1, OrderStatus.PAID)


def test_a_refund_that_is_told_before_its_money_has_to_wait():
    order = an_order()

    with pytest.raises(services.MoneyNotKnownYet):
        refund(order, 1250)
    pay(order)
    refund(order, 1250)

    assert order.status == OrderStatus.REFUNDED
