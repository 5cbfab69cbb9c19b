"""The three causes of a drop, each with every Celery message thrown away: only beat is left."""

import pytest

from orders.models import LedgerEntry, Order
from orders.states import Entry, OrderStatus
from payments.models import Payment, PaymentEvent
from payments.states import Source, Status
from tests.flows.world import call_back, later

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_messages"),
]


def paid_exactly_once(payment):
    """The whole truth: the payment, its order and the money, in agreement."""
    payment.refresh_from_db()
    order = Order.objects.get(order_no=payment.order_no)
    entries = LedgerEntry.objects.values_list("payment_no", "amount", "entry")
    return (payment.status, order.status, list(entries)) == (
        Status.SUCCEEDED,
        OrderStatus.PAID,
        [(payment.payment_no, order.total, Entry.APPLIED)],
    )


def test_a_callback_that_never_comes_is_made_up_for_by_the_sweep(app, channel, beat):
    payment = app.buy()
    channel.pay(payment.payment_no)

    beat.tick(later(payment, 60))

    assert paid_exactly_once(payment)
    assert payment.events.last().source == Source.SWEEP


def test_nothing_more_happens_to_a_paid_order_however_long_beat_goes_on(app, channel, beat):
    payment = app.buy()
    channel.pay(payment.payment_no)

    for minute in range(1, 6):
        beat.tick(later(payment, 60 * minute))

    assert paid_exactly_once(payment)
    assert channel.calls["query"] == 1


def test_a_payment_that_its_shopper_leaves_open_is_asked_about_on_schedule(app, channel, beat):
    payment = app.buy()

    for minute in range(1, 30):
        beat.tick(later(payment, 60 * minute))

    # The steps of 10 and 30 s are one to a sweep each minute; then 180, 300 and 600 s.
    assert channel.calls["query"] == 4
    assert Payment.objects.get().status == Status.PAYING


def test_a_process_that_dies_after_settling_loses_no_order(app, channel, beat):
    payment = app.buy()
    channel.pay(payment.payment_no)
    assert call_back(channel.callback(payment.payment_no)).status_code == 200
    assert Order.objects.get().status != OrderStatus.PAID

    beat.tick(later(payment, 20))

    assert paid_exactly_once(payment)
    assert payment.events.last().source == Source.CALLBACK


def test_an_order_side_that_breaks_is_told_again_until_it_has_taken_it(
    app, channel, beat, monkeypatch
):
    payment = app.buy()
    channel.pay(payment.payment_no)
    call_back(channel.callback(payment.payment_no))
    with monkeypatch.context() as broken:
        broken.setattr("orders.services.money._write", fail)
        for minute in (1, 2, 3):
            beat.tick(later(payment, 60 * minute))
    assert PaymentEvent.objects.get(relayed_at=None).relay_failures == 3
    assert app.poll(payment)[:3] == ("succeeded", "paying", False)

    beat.tick(later(payment, 240))

    assert paid_exactly_once(payment)


def fail(*_args, **_money):
    raise RuntimeError("the order side is broken")


def test_a_relay_that_dies_between_effect_and_confirmation_pays_once(
    app, channel, beat, monkeypatch
):
    payment = app.buy()
    channel.pay(payment.payment_no)
    call_back(channel.callback(payment.payment_no))
    with monkeypatch.context() as dying:
        dying.setattr("orders.services.concluding.tell_on_commit", die)
        with pytest.raises(SystemExit):
            beat.tick(later(payment, 20))
    assert LedgerEntry.objects.count() == 0

    beat.tick(later(payment, 80))

    assert paid_exactly_once(payment)


def die(**_kwargs):
    raise SystemExit


def test_a_shopper_who_polls_is_told_the_truth_and_never_less_than_before(app, channel, beat):
    payment = app.buy()
    told = [app.poll(payment)]
    beat.tick(later(payment, 1))
    told.append(app.poll(payment))
    channel.pay(payment.payment_no)
    app.come_back(payment)
    told.append(app.poll(payment))
    call_back(channel.callback(payment.payment_no))
    told.append(app.poll(payment))
    beat.tick(later(payment, 20))
    told.append(app.poll(payment))

    assert [said[:3] for said in told] == [
        ("paying", "paying", False),
        ("paying", "paying", False),
        ("paying", "paying", False),
        ("succeeded", "paying", False),
        ("succeeded", "paid", True),
    ]
    versions = [said[3] for said in told]
    assert versions == sorted(versions)


def test_a_shopper_who_comes_back_is_answered_by_the_next_sweep(app, channel, beat):
    payment = app.buy()
    beat.tick(later(payment, 400))
    channel.pay(payment.payment_no)

    app.come_back(payment)
    beat.tick(later(payment, 460))

    assert app.poll(payment)[:3] == ("succeeded", "paid", True)
