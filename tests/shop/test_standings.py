"""What the page of an order says when money comes late, twice, wrong, or goes back."""

import datetime as dt
import re

import pytest
from django.utils import timezone

from orders.models import Order, Stock
from payments import services as payments
from payments.channels.base import (
    ChannelState,
    CloseOutcome,
    NotExecuted,
    OutcomeUnknown,
    RefundState,
)
from payments.models import Payment, Refund
from payments.states import RefundReason
from shop.formats import format_day
from tests.shop.browser import an_order, end, pay, text_of, the_payment
from tests.shop.conftest import close_orders, learn, send_refunds, tell_orders, time_runs_out

pytestmark = pytest.mark.django_db
PROMISES = re.compile("has gone back|went back|was made", re.IGNORECASE)


@pytest.fixture(autouse=True)
def _tea_is_sold(tea):
    pass


@pytest.fixture
def closed(client, channel):
    """An order whose time ran out, and whose payment was closed at its channel."""
    order = an_order(client)
    pay(client, order)
    time_runs_out()
    close_orders()
    return order


@pytest.fixture
def paid(client, channel):
    order = an_order(client)
    pay(client, order)
    end(ChannelState.PAID)
    return order


def heading(page):
    return re.search(r'<h1 id="standing">(.+?)</h1>', page)[1].strip()


def today():
    return format_day(timezone.now())


def refunds_end(channel, state):
    """Those that are at the channel end there, and the orders hear of it."""
    send_refunds()
    for refund_no in list(channel.refunds):
        channel.end_refund(refund_no, state)
    send_refunds()


def give_back(amount, origin="test"):
    payments.request_refund(
        payment_no=the_payment().payment_no,
        amount=amount,
        reason=RefundReason.CUSTOMER,
        note="between us",
        origin=origin,
        now=timezone.now(),
    )


def test_an_unpaid_order_says_until_when_it_can_be_paid(client):
    order = an_order(client)
    Order.objects.update(expires_at=timezone.now() + dt.timedelta(days=2))
    later = text_of(client, order)
    Order.objects.update(expires_at=timezone.now().replace(hour=23, minute=59, second=59))
    page = text_of(client, order)

    assert re.search(r"Pay until <time [^>]+>23:59 UTC</time>\.", page)
    assert re.search(r"Pay until <time [^>]+>\d+ \w+ 20\d\d, \d\d:\d\d UTC</time>\.", later)


def test_a_payment_that_failed_may_be_tried_again_until_then(client):
    order = an_order(client)
    pay(client, order)
    end(ChannelState.FAILED)

    assert "You can pay again until <time" in text_of(client, order)


def test_an_order_whose_time_is_over_offers_no_payment_even_before_it_is_closed(client):
    order = an_order(client)
    time_runs_out()
    before = text_of(client, order)
    close_orders()
    after = text_of(client, order)

    assert heading(before) == heading(after) == "Closed"
    for page in (before, after):
        assert "The time to pay this order is over, and nothing was paid." in page
        assert "with Fake</button>" not in page
        assert "Cancel this order" not in page


def test_while_an_order_is_being_closed_nobody_says_that_nothing_was_paid(client, channel):
    order = an_order(client)
    pay(client, order)
    time_runs_out()
    channel.script("close", CloseOutcome.BUSY)
    close_orders()

    page = text_of(client, order)

    assert heading(page) == "The time to pay is over"
    assert "We wait for Fake to confirm that nothing was paid." in page
    assert "nothing was paid. Order again" not in page
    assert "data-watch" in page
    assert "Open Fake again" not in page


def test_a_closed_order_says_that_nothing_was_paid(client, closed):
    page = text_of(client, closed)

    assert heading(page) == "Closed"
    assert "nothing was paid" in page
    assert "refresh" not in page


def test_late_money_is_looked_into_before_anything_is_promised(client, channel, closed):
    channel.pay(the_payment().payment_no)
    learn(the_payment().payment_no)

    page = text_of(client, closed)

    assert heading(page) == "Your payment came late"
    assert "We are checking whether your goods can still be had" in page
    assert not PROMISES.search(page)
    assert "nothing was paid" not in page
    assert '<noscript><meta http-equiv="refresh"' in page
    assert "data-watch" in page


def test_late_money_revives_the_order_and_the_page_says_so(client, channel, closed):
    end(ChannelState.PAID)

    page = text_of(client, closed)

    assert heading(page) == "Paid"
    assert "Your payment came after the time was over." in page
    assert "Your goods could still be had, so the order is yours." in page
    assert "refresh" not in page


def test_late_money_for_goods_that_are_gone_is_on_its_way_and_then_went_back(
    client, channel, closed
):
    Stock.objects.create(sku="tea", available=1)
    end(ChannelState.PAID)
    on_its_way = text_of(client, closed)
    refunds_end(channel, RefundState.SUCCEEDED)
    went_back = text_of(client, closed)

    intro = "Your payment came after the order was closed."
    assert heading(on_its_way) == "Your refund is on its way"
    assert f"{intro} CN¥25.00 is on its way back to you." in on_its_way
    assert "nothing was paid" not in on_its_way
    assert not PROMISES.search(on_its_way)
    assert heading(went_back) == "Refunded"
    assert f"{intro} CN¥25.00 went back to you on {today()}." in went_back


def test_money_for_a_cancelled_order_is_on_its_way_and_then_went_back(client, channel):
    order = an_order(client)
    pay(client, order)
    client.post(f"{order}cancel/")
    tell_orders()
    channel.pay(the_payment().payment_no)
    learn(the_payment().payment_no)
    unheard = text_of(client, order)
    tell_orders()
    on_its_way = text_of(client, order)
    refunds_end(channel, RefundState.SUCCEEDED)
    went_back = text_of(client, order)

    intro = "Your payment came after the order was cancelled."
    assert "It came after the order was cancelled. We see to your money." in unheard
    assert "goods" not in unheard
    assert f"{intro} CN¥25.00 is on its way back to you." in on_its_way
    assert f"{intro} CN¥25.00 went back to you on {today()}." in went_back


def test_money_that_could_not_be_sent_back_is_seen_to_and_nothing_is_promised(
    client, channel, settings, closed
):
    settings.LATE_MONEY = "refund"
    end(ChannelState.PAID)
    refunds_end(channel, RefundState.FAILED)

    page = text_of(client, closed)

    assert heading(page) == "Closed"
    assert "CN¥25.00 has not gone back yet: we see to it." in page
    assert "on its way" not in page


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (RefundState.PENDING, "CN¥25.00 is on its way back to you."),
        (RefundState.SUCCEEDED, "CN¥25.00 went back to you on "),
        (RefundState.FAILED, "CN¥25.00 has not gone back yet: we see to it."),
    ],
)
def test_who_was_charged_twice_is_told_where_the_second_payment_is(client, channel, state, said):
    order = an_order(client)
    pay(client, order)
    channel.charge_again(the_payment().payment_no)
    end(ChannelState.PAID)
    refunds_end(channel, state)

    page = text_of(client, order)

    assert heading(page) == "Paid"
    assert f"You paid twice: the second payment of {said}" in page


def test_who_paid_two_payments_is_told_too(client, channel, closed):
    first = the_payment().payment_no
    Order.objects.update(status="unpaid", closed_at=None, close_asked_at=None)
    Order.objects.update(expires_at=timezone.now() + dt.timedelta(hours=1))
    pay(client, closed)
    end(ChannelState.PAID)
    channel.pay(first)
    learn(first)
    tell_orders()

    page = text_of(client, closed)

    assert "You paid twice: the second payment of CN¥25.00 is on its way back to you." in page


@pytest.mark.parametrize("wrong", [{"amount": 1}, {"currency": "JPY"}, {"merchant": "theirs"}])
def test_other_money_that_is_kept_is_the_shoppers_and_is_not_to_be_paid_again(
    client, channel, wrong
):
    order = an_order(client)
    pay(client, order)
    channel.pay(the_payment().payment_no, **wrong)
    learn(the_payment().payment_no)
    tell_orders()

    page = text_of(client, order)

    assert heading(page) == "The payment does not match"
    assert "came, which is not what was asked for. It is yours, and we see to it." in page
    assert "Please don't pay again" in page
    assert "with Fake</button>" not in page


def test_other_money_that_has_gone_back_makes_the_order_payable_again(client, channel, settings):
    settings.MISPAID = "refund"
    order = an_order(client)
    pay(client, order)
    channel.pay(the_payment().payment_no, amount=1)
    learn(the_payment().payment_no)
    tell_orders()
    on_its_way = text_of(client, order)
    refunds_end(channel, RefundState.SUCCEEDED)
    went_back = text_of(client, order)

    assert heading(on_its_way) == "The payment does not match"
    assert "The CN¥0.01 that came instead is on its way back to you." in on_its_way
    assert heading(went_back) == "Not paid"
    assert f"The CN¥0.01 that came instead went back to you on {today()}." in went_back
    assert "no money was taken" not in went_back
    assert "Pay CN¥25.00 with Fake" in went_back


def test_a_closed_order_with_other_money_does_not_say_that_nothing_was_paid(client, channel):
    order = an_order(client)
    pay(client, order)
    channel.pay(the_payment().payment_no, amount=1)
    learn(the_payment().payment_no)
    tell_orders()
    time_runs_out()
    close_orders()

    page = text_of(client, order)

    assert heading(page) == "Closed"
    assert "CN¥0.01 came, which is not what was asked for. It is yours, and we see to it." in page
    assert "nothing was paid" not in page


def test_a_refund_of_a_part_is_told_and_its_note_is_not(client, channel, paid):
    give_back(1000)
    on_its_way = text_of(client, paid)
    refunds_end(channel, RefundState.SUCCEEDED)
    made = text_of(client, paid)

    assert "A refund of CN¥10.00 is on its way to you." in on_its_way
    assert f"A refund of CN¥10.00 was made on {today()}." in made
    assert heading(made) == "Paid"
    assert "between us" not in on_its_way + made


def test_a_refund_of_all_makes_it_refunded(client, channel, paid):
    give_back(None)
    refunds_end(channel, RefundState.SUCCEEDED)

    page = text_of(client, paid)

    assert heading(page) == "Refunded"
    assert f"A refund of CN¥25.00 was made on {today()}." in page


def test_a_refund_that_failed_is_seen_to_until_another_one_goes_through(client, channel, paid):
    give_back(1000)
    refunds_end(channel, RefundState.FAILED)
    failed = text_of(client, paid)
    give_back(1000, origin="again")
    channel.refunds.clear()
    refunds_end(channel, RefundState.SUCCEEDED)
    made = text_of(client, paid)

    assert "A refund of CN¥10.00 did not go through: we see to it." in failed
    assert f"A refund of CN¥10.00 was made on {today()}." in made
    assert "did not go through" not in made


def test_a_refund_that_came_back_is_told_as_not_done(client, channel, paid):
    give_back(None)
    refunds_end(channel, RefundState.SUCCEEDED)
    refund = Refund.objects.get()
    channel.end_refund(refund.refund_no, RefundState.FAILED)
    payments.query_refund_now(refund_no=refund.refund_no, now=timezone.now(), actor="")
    tell_orders()

    page = text_of(client, paid)

    assert heading(page) == "Paid"
    assert "A refund of CN¥25.00 did not go through: we see to it." in page
    assert not PROMISES.search(page)


@pytest.mark.parametrize(
    "answer", [CloseOutcome.BUSY, OutcomeUnknown(), NotExecuted("rate limit")], ids=str
)
def test_cancelling_while_the_channel_does_not_say_stays_cancelling_and_says_so(
    client, channel, answer
):
    order = an_order(client)
    pay(client, order)
    channel.script("close", answer)

    client.post(f"{order}cancel/")
    tell_orders()
    page = text_of(client, order)
    close_orders_again()

    assert heading(page) == "Cancelling…"
    assert "We wait for Fake to confirm that nothing was paid." in page
    assert Payment.objects.get().status == "closed"
    assert heading(text_of(client, order)) == "Cancelled"


def close_orders_again():
    Order.objects.update(close_due_at=timezone.now())
    close_orders()


def test_a_wallet_is_not_offered_again_when_its_time_is_over(client):
    order = an_order(client)
    pay(client, order)
    open_ = text_of(client, order)
    Payment.objects.update(expires_at=timezone.now())

    assert re.search(r"Open Fake again</a>, until <time [^>]+>[^<]*\d\d:\d\d UTC</time>", open_)
    assert "Open Fake again" not in text_of(client, order)
