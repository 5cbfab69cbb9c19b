"""The stock: reserved with the order, released when it closes, never sold twice."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from orders import services, stock
from orders.errors import OutOfStock
from orders.models import Order, Stock
from tests.factories import an_order
from tests.flows.world import at_once

pytestmark = pytest.mark.django_db


def available():
    return Stock.objects.get().available


def some_tea(count):
    Stock.objects.create(sku="tea", available=count)


def place(*skus):
    lines = [services.Line(sku=sku, title=sku, unit_price=100, quantity=2) for sku in skus]
    return services.place_order(lines=lines, currency="CNY", now=timezone.now())


def test_an_order_reserves_its_goods():
    some_tea(3)

    order = an_order()

    assert (available(), order.stock_held) == (2, True)


def test_what_is_sold_out_can_not_be_ordered_and_nothing_is_written():
    some_tea(1)

    with pytest.raises(OutOfStock) as refused:
        place("tea", "cake")

    assert refused.value.left == {"tea": 1}
    assert (available(), Order.objects.count()) == (1, 0)


def test_goods_without_a_count_are_never_sold_out():
    assert place("cake", "tea").stock_held


def test_a_repeat_under_the_same_key_gets_its_order_though_all_is_sold():
    some_tea(1)

    first = an_order(idempotency_key="key", request_hash="a")
    again = an_order(idempotency_key="key", request_hash="a")

    assert (first, available()) == (again, 0)


def test_cancelling_puts_the_goods_back_once():
    some_tea(1)
    order = an_order()

    for _ in range(3):
        services.cancel_order(order_no=order.order_no, now=timezone.now())

    order.refresh_from_db()
    assert (available(), order.stock_held) == (1, False)


def test_a_paid_order_keeps_its_goods():
    some_tea(1)
    order = an_order()

    services.record_payment(
        order_no=order.order_no,
        payment_no="P1",
        seq=3,
        amount=1250,
        currency="CNY",
        now=timezone.now(),
    )

    assert available() == 0


def test_goods_that_a_closed_order_holds_in_vain_are_put_back():
    some_tea(1)
    order = an_order()
    now = timezone.now()
    Order.objects.update(status="closed", close_due_at=None, closed_at=now)

    assert services.release_forgotten_stock() == 1
    assert services.release_forgotten_stock() == 0

    order.refresh_from_db()
    assert (available(), order.stock_held) == (1, False)


def test_taking_again_says_whether_there_is_enough():
    some_tea(2)
    order = an_order()

    answers = [stock.take_again(order) for _ in range(2)]

    assert (answers, available()) == ([True, False], 0)


def test_the_database_never_oversells():
    some_tea(1)

    with pytest.raises(IntegrityError, match="stock_never_oversold"), transaction.atomic():
        Stock.objects.update(available=-1)


@pytest.mark.django_db(transaction=True)
def test_ten_shoppers_at_once_get_the_last_three_only():
    some_tea(3)

    def buy():
        try:
            return an_order()
        except OutOfStock:
            return None

    orders = [order for order in at_once(*[buy] * 10) if order]

    assert (len(orders), available()) == (3, 0)


@pytest.mark.django_db(transaction=True)
def test_two_orders_of_the_same_goods_in_turned_order_never_wait_for_each_other():
    for sku in ("tea", "cake"):
        Stock.objects.create(sku=sku, available=100)

    at_once(*[lambda: place("tea", "cake"), lambda: place("cake", "tea")] * 5)

    assert set(Stock.objects.values_list("available", flat=True)) == {80}


def test_what_is_counted_only_after_the_order_is_not_put_back():
    order = an_order()
    some_tea(1)

    services.cancel_order(order_no=order.order_no, now=timezone.now())

    assert available() == 1


def test_one_order_that_can_not_be_closed_stops_no_other():
    some_tea(5)
    poison = an_order()
    other = place("cake")
    Stock.objects.update(available=2**63 - 1)  # one more is more than a number can hold

    services.begin_closing(now=other.expires_at)

    other.refresh_from_db()
    poison.refresh_from_db()
    assert (other.status, poison.status) == ("closed", "unpaid")
    assert poison.close_due_at > other.expires_at


@pytest.mark.django_db(transaction=True)
def test_closing_and_placing_never_wait_for_each_other():
    for sku in ("tea", "cake"):
        Stock.objects.create(sku=sku, available=10_000)
    for _ in range(20):
        place("tea")
        place("cake")
    now = timezone.now() + dt.timedelta(minutes=31)

    def shop():
        return [place("cake", "tea") for _ in range(20)]

    at_once(lambda: services.begin_closing(now=now), shop, shop)

    assert Order.objects.filter(status="closed").count() >= 40
