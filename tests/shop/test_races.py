"""Two at once: threads on a real database."""

import pytest

from orders.models import Order
from orders.states import OrderStatus
from payments.models import Payment, Refund
from payments.states import Status
from tests.shop.conftest import TEA, App, at_once, learn, tell_orders

pytestmark = pytest.mark.django_db(transaction=True)
TAPS = 6
KEY = "the-key-of-a-refund"


def test_the_same_order_sent_many_times_at_once_is_one_order(guest):
    def place():
        return App().post("/orders", TEA, **{"Idempotency-Key": "one-key-for-all-of-them"})

    answers = at_once(*[place] * TAPS)

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["order_no"] for answer in answers}) == 1
    assert Order.objects.count() == 1


def test_many_taps_on_pay_at_once_are_one_payment(guest, channel):
    order = guest.order()

    def tap():
        return App(guest.headers).pay(order)["payment_no"]

    assert len(set(at_once(*[tap] * TAPS))) == 1
    assert Payment.objects.count() == 1
    assert len(channel.keys) == 1


def test_paying_at_two_channels_at_once_leaves_one_payment_open(guest, channel, other_channel):
    order = guest.order()

    def tap(name):
        return lambda: App(guest.headers).pay(order, name)

    at_once(tap("fake"), tap("other"))

    assert Payment.objects.filter(status__in=[Status.CREATED, Status.PAYING]).count() <= 1


def test_cancelling_while_paying_ends_in_one_of_both(guest, channel):
    order = guest.order()
    app = App(guest.headers)

    at_once(lambda: app.pay(order), lambda: app.post(f"/orders/{order['order_no']}/cancel", None))
    app.post(f"/orders/{order['order_no']}/cancel")
    tell_orders()

    assert Order.objects.get().status == OrderStatus.CANCELLED
    assert not Payment.objects.filter(status__in=[Status.CREATED, Status.PAYING]).exists()


@pytest.fixture
def paid(guest, channel):
    order = guest.order()
    payment = guest.pay(order)
    channel.pay(payment["payment_no"])
    learn(payment["payment_no"])
    tell_orders()
    return order


def refund(olga, order, key, amount):
    path = f"/orders/{order['order_no']}/refunds"
    body = {"amount": amount, "note": "why"}
    return lambda: App(olga.headers).post(path, body, **{"Idempotency-Key": key})


def test_the_same_refund_sent_many_times_at_once_is_one_refund(olga, paid):
    answers = at_once(*[refund(olga, paid, KEY, 500)] * TAPS)

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["refund_no"] for answer in answers}) == 1
    assert Refund.objects.count() == 1


def test_one_key_for_different_refunds_at_once_is_one_refund(olga, paid):
    answers = at_once(*[refund(olga, paid, KEY, amount) for amount in range(100, 100 + TAPS)])

    assert sorted(answer.status_code for answer in answers) == [201] + [422] * (TAPS - 1)
    assert Refund.objects.count() == 1


def test_many_refunds_at_once_never_give_back_more_than_came(olga, paid):
    answers = at_once(*[refund(olga, paid, f"{KEY}-{number}", 1000) for number in range(TAPS)])

    assert sorted(answer.status_code for answer in answers) == [201] * 2 + [409] * (TAPS - 2)
    assert Payment.objects.get().refundable == 500
