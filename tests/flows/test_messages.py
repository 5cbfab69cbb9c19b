"""Whole stories, and what their shoppers are told: no money is promised that can't go back."""

import datetime as dt
from dataclasses import replace

import pytest

from alerts.models import Alert
from orders.models import Message, Order
from payments.channels.base import RefundState
from payments.models import Refund
from tests.flows.world import call_back, later
from tests.orders.messages.fakes import FAKE, a_device

pytestmark = pytest.mark.django_db(transaction=True)
HALF_AN_HOUR = 1800


@pytest.fixture(autouse=True)
def _phones(settings):
    settings.NOTIFIERS = {"fcm": dict(FAKE)}
    settings.PUBLIC_URL = "https://shop.example"
    settings.LATE_MONEY = "refund"
    settings.MISPAID = "refund"


@pytest.fixture
def tick(beat):
    def run(payment, seconds, minutes=1):
        for minute in range(minutes):
            beat.tick(later(payment, seconds) + dt.timedelta(minutes=minute))

    return run


@pytest.fixture
def payment(app):
    payment = app.buy()
    a_device(Order.objects.get())
    return payment


@pytest.fixture
def expired(payment, tick):
    tick(payment, HALF_AN_HOUR + 30, 2)
    return payment


def bring(channel, payment, **wrong):
    channel.pay(payment.payment_no, **wrong)
    call_back(channel.callback(payment.payment_no))


def promises():
    return Message.objects.filter(kind="refund_coming").count()


def test_late_money_is_promised_once_and_goes_back(channel, tick, expired):
    channel.refund_state = RefundState.SUCCEEDED
    bring(channel, expired)

    tick(expired, HALF_AN_HOUR + 300, 4)

    assert (promises(), Refund.objects.get().status) == (1, "succeeded")


def test_money_of_another_merchant_is_not_promised(channel, tick, payment):
    bring(channel, payment, merchant="another account")

    tick(payment, 60, 4)

    assert (promises(), Refund.objects.count()) == (0, 0)
    assert Alert.objects.filter(kind__endswith="owed_back").exists()


def test_money_is_promised_only_once_its_channel_can_give_it_back(channel, tick, expired):
    able = channel.capabilities
    channel.capabilities = replace(able, can_refund=False)
    bring(channel, expired)
    tick(expired, HALF_AN_HOUR + 300, 3)
    before = (promises(), Refund.objects.count())
    channel.capabilities = able

    tick(expired, HALF_AN_HOUR + 600, 4)

    assert before == (0, 0)
    assert (promises(), Refund.objects.count()) == (1, 1)


def test_two_amounts_that_go_back_in_one_pass_are_promised_together(channel, tick, expired):
    able = channel.capabilities
    channel.capabilities = replace(able, can_refund=False)
    bring(channel, expired, capture_no="C1")
    channel.charge_again(expired.payment_no)
    call_back(channel.callback(expired.payment_no))
    tick(expired, HALF_AN_HOUR + 300, 3)
    channel.capabilities = able

    tick(expired, HALF_AN_HOUR + 600)

    assert (promises(), Refund.objects.count()) == (1, 2)
