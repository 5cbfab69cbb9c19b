"""Closing on the order side: only when no payment is open, and late money after it."""

import datetime as dt

import pytest
from django.conf import settings
from django.utils import timezone

from orders import services
from orders.models import Order, Stock
from orders.states import Entry, OrderStatus, Why
from tests.factories import an_order

pytestmark = pytest.mark.django_db
NO = "P000000000000000"


def expired(order):
    return order.expires_at + dt.timedelta(seconds=1)


def pay(order, *, payment_no=NO, amount=None):
    entry = services.record_payment(
        order_no=order.order_no,
        payment_no=payment_no,
        seq=9,
        amount=amount or order.total,
        currency=order.currency,
        now=timezone.now(),
    )
    order.refresh_from_db()
    return entry


def close(order):
    services.begin_closing(now=expired(order))
    order.refresh_from_db()
    return order


def note(order, *, over, seq, payment_no=NO):
    services.record_attempt(
        order_no=order.order_no, payment_no=payment_no, seq=seq, over=over, now=timezone.now()
    )
    order.refresh_from_db()


def test_an_order_has_half_an_hour():
    order = an_order()

    assert order.expires_at - order.created_at == dt.timedelta(minutes=30)
    assert order.close_due_at == order.expires_at
    assert settings.ORDER_EXPIRES_AFTER == 1800


def test_an_order_is_not_closed_before_its_time():
    order = an_order()

    assert services.begin_closing(now=order.expires_at - dt.timedelta(seconds=1)).taken == 0

    order.refresh_from_db()
    assert order.status == OrderStatus.UNPAID


def test_an_order_without_a_payment_is_closed_at_once():
    order = close(an_order())

    assert (order.status, order.close_due_at) == (OrderStatus.CLOSED, None)
    assert order.closed_at is not None


def test_an_order_is_never_closed_while_a_payment_is_open():
    order = an_order()
    note(order, over=False, seq=1)

    assert services.begin_closing(now=expired(order)).waiting == [order.order_no]

    order.refresh_from_db()
    assert (order.status, order.close_asked_at is not None) == (OrderStatus.PAYING, True)
    note(order, over=True, seq=2)
    assert order.status == OrderStatus.CLOSED


def test_a_closing_order_starts_no_payment():
    order = an_order()
    note(order, over=False, seq=1)
    close(order)

    with pytest.raises(services.OrderNotPayable, match="time to pay"):
        services.expect_payment(order_no=order.order_no, payment_no="P2", seq=1, now=timezone.now())


def test_an_expired_order_starts_no_payment_though_nobody_has_closed_it_yet():
    order = an_order()

    with pytest.raises(services.OrderNotPayable, match="time to pay"):
        services.expect_payment(order_no=order.order_no, payment_no="P2", seq=1, now=expired(order))


def test_money_that_comes_while_it_is_being_closed_pays_it():
    order = an_order()
    note(order, over=False, seq=1)
    close(order)

    pay(order)

    assert (order.status, order.close_due_at) == (OrderStatus.PAID, None)
    assert order.revived_at is None


def test_a_close_that_stands_still_is_looked_at_again_less_and_less_often():
    order = an_order()
    note(order, over=False, seq=1)
    start, pauses, version = expired(order), [], order.version
    now = start
    for _ in range(40):
        services.begin_closing(now=now)
        order.refresh_from_db()
        pauses.append((order.close_due_at - now).total_seconds())
        now = order.close_due_at

    assert pauses[0] == 90
    assert pauses == sorted(pauses)
    assert pauses[-1] > 300
    assert order.version == version + 1  # who watches it is told once


def test_an_open_order_that_nobody_would_ever_close_is_found():
    order = an_order()
    Order.objects.update(close_due_at=None, expires_at=None)  # as the former release places one

    assert services.adopt_orders(now=order.created_at) == 1

    assert services.begin_closing(now=order.created_at).taken == 0
    assert close(order).status == OrderStatus.CLOSED


# --- Late money ----------------------------------------------------------------------------------


def test_late_money_revives_a_closed_order_whose_goods_can_be_had():
    Stock.objects.create(sku="tea", available=1)
    order = close(an_order())
    assert Stock.objects.get().available == 1

    entry = pay(order)

    assert (order.status, entry.entry) == (OrderStatus.PAID, Entry.APPLIED)
    assert order.revived_at == order.paid_at is not None
    assert (Stock.objects.get().available, order.stock_held) == (0, True)


def test_late_money_for_goods_that_are_gone_is_owed_back():
    Stock.objects.create(sku="tea", available=1)
    order = close(an_order())
    an_order()

    entry = pay(order)

    assert order.status == OrderStatus.CLOSED
    assert (entry.entry, entry.why) == (Entry.SURPLUS, Why.LATE)


def test_a_shop_may_choose_to_refund_late_money(settings):
    settings.LATE_MONEY = "refund"
    order = close(an_order())

    entry = pay(order)

    assert (order.status, entry.why) == (OrderStatus.CLOSED, Why.LATE)


def no_more(order):
    return False


def test_the_rule_of_revival_is_one_function_named_in_settings(settings):
    settings.REVIVAL_RULE = f"{__name__}.no_more"
    order = close(an_order())

    assert pay(order).why == Why.LATE


def test_a_cancelled_order_is_never_revived():
    order = an_order()
    services.cancel_order(order_no=order.order_no, now=timezone.now())

    entry = pay(order)

    assert (order.status, entry.why) == (OrderStatus.CANCELLED, Why.LATE)


def test_a_second_late_payment_of_a_revived_order_is_owed_back():
    order = close(an_order())
    pay(order)

    entry = pay(order, payment_no="P1111111111111111")

    assert (order.status, entry.why) == (OrderStatus.PAID, Why.SECOND)


def test_late_money_of_another_amount_revives_nothing():
    order = close(an_order())

    entry = pay(order, amount=1)

    assert (order.status, entry.why) == (OrderStatus.CLOSED, Why.MISPAID)
