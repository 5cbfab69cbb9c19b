"""Orders: placing, cancelling, and the ledger of money received."""

import pytest
from django.utils import timezone

from orders import services
from orders.models import Attempt, LedgerEntry
from orders.states import Entry, OrderStatus
from tests.factories import an_order

pytestmark = pytest.mark.django_db
NO = "P000000000000000"


def pay(order, *, payment_no=NO, seq=3, amount=None, currency=None):
    services.record_payment(
        order_no=order.order_no,
        payment_no=payment_no,
        seq=seq,
        amount=order.total if amount is None else amount,
        currency=currency or order.currency,
        now=timezone.now(),
    )
    order.refresh_from_db()


def note(order, *, seq, over=False, payment_no=NO):
    services.record_attempt(
        order_no=order.order_no, payment_no=payment_no, seq=seq, over=over, now=timezone.now()
    )
    order.refresh_from_db()


def test_money_that_was_asked_for_pays_the_order():
    order = an_order()

    pay(order)

    assert (order.status, order.paid_at is not None) == (OrderStatus.PAID, True)
    assert order.ledger.get().entry == Entry.APPLIED


def test_a_second_payment_of_a_paid_order_is_surplus():
    order = an_order()
    pay(order)

    pay(order, payment_no="P1111111111111111")

    assert order.status == OrderStatus.PAID
    assert [entry.entry for entry in order.ledger.all()] == [Entry.APPLIED, Entry.SURPLUS]


@pytest.mark.parametrize("wrong", [{"amount": 1}, {"currency": "JPY"}])
def test_other_money_than_the_total_is_surplus(wrong):
    order = an_order()

    pay(order, **wrong)

    assert order.status == OrderStatus.UNPAID
    assert order.ledger.get().entry == Entry.SURPLUS


def test_the_same_payment_is_recorded_once():
    order = an_order()

    for _ in range(3):
        pay(order)

    assert LedgerEntry.objects.count() == 1


def test_old_news_about_a_payment_changes_nothing():
    order = an_order()
    note(order, seq=3, over=True)
    version = order.version

    note(order, seq=2)

    assert (order.status, order.version) == (OrderStatus.UNPAID, version)


def test_an_order_stays_paying_while_another_payment_is_open():
    order = an_order()
    note(order, seq=1)
    note(order, seq=1, payment_no="P1111111111111111")

    note(order, seq=2, over=True)

    assert order.status == OrderStatus.PAYING


def test_an_order_without_payments_is_cancelled_at_once():
    order = an_order()

    assert services.cancel_order(order_no=order.order_no, now=timezone.now()).status == "cancelled"


def test_an_order_with_an_open_payment_is_cancelled_when_that_is_over():
    order = an_order()
    note(order, seq=1)
    asked = services.cancel_order(order_no=order.order_no, now=timezone.now())
    assert asked.status == OrderStatus.PAYING

    note(order, seq=2, over=True)

    assert order.status == OrderStatus.CANCELLED


def test_money_that_comes_before_the_cancellation_is_done_wins():
    order = an_order()
    note(order, seq=1)
    services.cancel_order(order_no=order.order_no, now=timezone.now())

    pay(order)

    assert order.status == OrderStatus.PAID


def test_money_for_a_cancelled_order_is_surplus():
    order = an_order()
    services.cancel_order(order_no=order.order_no, now=timezone.now())

    pay(order)

    assert order.status == OrderStatus.CANCELLED
    assert order.ledger.get().entry == Entry.SURPLUS


def test_a_paid_order_can_not_be_cancelled():
    order = an_order()
    pay(order)

    with pytest.raises(services.OrderNotCancellable, match="is paid"):
        services.cancel_order(order_no=order.order_no, now=timezone.now())


@pytest.mark.parametrize("end", ["paid", "cancelled", "cancelling"])
def test_an_order_that_takes_no_money_starts_no_payment(end):
    order = an_order()
    if end == "paid":
        pay(order)
    if end == "cancelling":
        note(order, seq=1)
    if end != "paid":
        services.cancel_order(order_no=order.order_no, now=timezone.now())

    with pytest.raises(services.OrderNotPayable):
        services.expect_payment(order_no=order.order_no, payment_no="P2", seq=1, now=timezone.now())
    assert not Attempt.objects.filter(payment_no="P2").exists()


def test_an_unknown_order_is_named():
    with pytest.raises(services.UnknownOrder, match="no order N404"):
        services.record_attempt(
            order_no="N404", payment_no=NO, seq=1, over=False, now=timezone.now()
        )


def test_the_same_key_and_request_give_the_same_order(django_user_model):
    owner = django_user_model.objects.create(username="app")
    values = {"owner_id": owner.pk, "idempotency_key": "key", "request_hash": "a"}

    assert an_order(**values) == an_order(**values)
    with pytest.raises(services.IdempotencyKeyReused):
        an_order(**values | {"request_hash": "b"})


def test_two_owners_may_use_the_same_key(django_user_model):
    owners = [django_user_model.objects.create(username=name) for name in ("a", "b")]

    orders = {an_order(owner_id=owner.pk, idempotency_key="key").pk for owner in owners}

    assert len(orders) == 2


def test_every_change_grows_the_version_and_no_news_does_not():
    order = an_order()
    versions = [order.version]
    for seq, over in ((1, False), (2, False), (3, True)):
        note(order, seq=seq, over=over)
        versions.append(order.version)

    assert versions == [1, 2, 2, 3]
