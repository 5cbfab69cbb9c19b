"""The books of the other stories can say no."""

import pytest

from orders.models import Order
from orders.states import OrderStatus
from tests.flows.books import is_conserved, owed_back
from tests.flows.world import call_back, later

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sold(app, channel, beat):
    """One order that was paid, and one that nobody has paid yet."""
    payment, unpaid = app.buy(), app.buy()
    channel.pay(payment.payment_no)
    call_back(channel.callback(payment.payment_no))
    beat.tick(later(payment, 60))
    orders = [Order.objects.get(order_no=each.order_no) for each in (payment, unpaid)]
    assert (is_conserved(channel.held()), owed_back()) == (True, 0)
    return orders


def is_paid(order):
    """Whatever the ledger says."""
    Order.objects.filter(pk=order.pk).update(
        status=OrderStatus.PAID, paid_at=order.created_at, close_due_at=None
    )


def test_an_order_without_its_money_is_not_made_up_for_by_another_orders_money(sold, channel):
    """Over both the sums are right: one is paid, and the money of one has come."""
    paid, unpaid = sold

    Order.objects.filter(pk=paid.pk).update(status=OrderStatus.CLOSED)
    is_paid(unpaid)

    assert channel.held() == paid.total == unpaid.total
    assert not is_conserved(channel.held())


def test_money_that_an_order_keeps_without_being_paid_is_missed(sold, channel):
    Order.objects.filter(pk=sold[0].pk).update(status=OrderStatus.CLOSED)

    assert not is_conserved(channel.held())


def test_an_order_that_is_paid_without_money_is_missed(sold, channel):
    is_paid(sold[1])

    assert not is_conserved(channel.held())
