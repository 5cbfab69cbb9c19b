"""An order's page: its money both ways, its times, and what others were told of it."""

import datetime as dt

import pytest
from django.utils import timezone

from orders.figures import OwedBack, owed_back
from orders.models import LedgerEntry, Order
from payments.channels.base import RefundState
from payments.states import RefundReason
from tests.admin.story import a_paid_payment, a_refund, found, get, send_refunds
from tests.factories import a_payment, an_order
from tests.orders.telling import an_endpoint

pytestmark = pytest.mark.django_db


def surplus(order, amount, *, payment_no="P1", currency="CNY"):
    return LedgerEntry.objects.create(
        order=order,
        payment_no=payment_no,
        amount=amount,
        currency=currency,
        entry="surplus",
        why="late",
        recorded_at=timezone.now(),
    )


def went_back(order, amount, *, payment_no="P1", seq=2, entry="refund"):
    return LedgerEntry.objects.create(
        order=order,
        payment_no=payment_no,
        refund_no="R1",
        refund_seq=seq,
        amount=amount,
        currency="CNY",
        entry=entry,
        recorded_at=timezone.now(),
    )


def test_the_ledger_tells_of_refunds_and_links_to_them(operator, channel):
    channel.refund_state = RefundState.SUCCEEDED
    payment = a_paid_payment(channel)
    refund = a_refund(payment, 250)
    send_refunds()

    page = get(operator, "orders_order_change", Order.objects.get().pk)

    rows = [(row["label"], row["money"]) for row in page.context["ledger"]]
    assert rows == [("Applied", "12.50 CNY"), ("Refund", "2.50 CNY")]
    assert f"/admin/payments/refund/{refund.refund_no}/change/" in page.content.decode()
    assert page.context["owed_back"] == ""


def test_surplus_is_owed_back_until_it_has_gone_back(operator, channel):
    order = an_order()
    surplus(order, 1250)
    owed = get(operator, "orders_order_change", order.pk)
    listed = found(operator, "orders_order", money="owed")
    went_back(order, 1250)

    paid_back = get(operator, "orders_order_change", order.pk)

    assert (owed.context["owed_back"], listed) == ("12.50 CNY", [order])
    assert (paid_back.context["owed_back"], found(operator, "orders_order", money="owed")) == (
        "",
        [],
    )


def test_a_part_that_went_back_is_owed_no_more():
    order = an_order()
    surplus(order, 1250)
    surplus(order, 300, payment_no="P2", currency="JPY")
    went_back(order, 250)

    assert owed_back() == [OwedBack("CNY", 1, 1000), OwedBack("JPY", 1, 300)]


def test_a_refund_that_bounced_is_owed_again(operator):
    order = an_order()
    surplus(order, 1250)
    went_back(order, 1250)
    went_back(order, 1250, seq=3, entry="bounced")

    page = get(operator, "orders_order_change", order.pk)

    assert owed_back() == [OwedBack("CNY", 1, 1250)]
    assert page.context["owed_back"] == "12.50 CNY"


def test_money_given_back_for_the_customer_is_no_debt(operator, channel):
    channel.refund_state = RefundState.SUCCEEDED
    a_refund(a_paid_payment(channel), reason=RefundReason.CUSTOMER)

    send_refunds()

    assert owed_back() == []


def test_the_times_of_an_order_are_told(operator, channel):
    payment = a_payment()
    order = Order.objects.get(order_no=payment.order_no)
    now = timezone.now()
    Order.objects.update(
        closed_at=now, revived_at=now, paid_at=now, status="paid", close_due_at=None
    )

    page = get(operator, "orders_order_change", order.pk)

    names = [name for name, _ in page.context["facts"]]
    assert names == ["Placed", "Expires", "Closed", "Paid", "Revived"]
    assert b"Revived" in page.content


def test_what_was_told_of_an_order_stands_on_its_page(operator, channel, settings):
    an_endpoint("https://warehouse.example/hook")
    a_paid_payment(channel)

    page = get(operator, "orders_order_change", Order.objects.get().pk)

    told = [(each["row"].type, each["label"]) for each in page.context["notifications"]]
    assert told == [("order.paid", "Waiting")]
    assert b"warehouse" in page.content


def test_a_closing_that_stands_still_has_a_filter(operator):
    still, lately, _open = an_order(), an_order(), an_order()
    now = timezone.now()
    Order.objects.filter(pk=still.pk).update(cancel_asked_at=now - dt.timedelta(minutes=6))
    Order.objects.filter(pk=lately.pk).update(close_asked_at=now - dt.timedelta(minutes=4))

    assert found(operator, "orders_order", closing="still") == [still]
