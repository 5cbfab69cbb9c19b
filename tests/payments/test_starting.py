"""Starting a payment: whatever the channel does, nothing that it knows is unknown here."""

import datetime as dt

import pytest
from django.db import connection
from django.utils import timezone

from payments import services
from payments.channels.base import DefiniteNo, NotExecuted, OutcomeUnknown
from payments.channels.registry import UnknownChannel
from payments.states import Status
from tests.factories import a_payment, an_opened_payment, an_order

pytestmark = pytest.mark.django_db


def create(payment):
    return services.create_at_channel(payment_no=payment.payment_no, now=timezone.now())


def test_a_started_payment_tells_what_to_open_and_when_it_is_consulted(channel):
    started = timezone.now()

    payment = a_payment(started=started)

    assert payment.status == Status.PAYING
    assert payment.action["url"] == f"https://wallet.example/{payment.payment_no}"
    assert payment.channel_no == f"F{payment.payment_no}"
    assert payment.consult_due_at == started + dt.timedelta(seconds=10)


@pytest.mark.django_db(transaction=True)
def test_the_row_is_committed_before_the_channel_is_called(channel):
    payment = an_opened_payment()
    seen = []
    channel.before["create"] = lambda: seen.append(connection.in_atomic_block)

    create(payment)

    assert seen == [False]


def test_a_lost_answer_leaves_the_payment_in_the_fog(channel):
    channel.script("create", OutcomeUnknown("no answer in time"), executed=True)

    payment = a_payment()

    assert (payment.status, payment.action) == (Status.PAYING, None)
    assert payment.evidence.get().error == "no answer in time"


def test_replaying_a_lost_creation_uses_the_same_key(channel):
    channel.script("create", OutcomeUnknown(), executed=True)
    lost = a_payment()

    found = create(lost)

    assert found.action["kind"] == "redirect"
    assert (channel.calls["create"], len(channel.keys)) == (2, 1)


def test_a_payment_that_has_its_action_is_not_created_again(channel):
    payment = a_payment()

    assert create(payment).action == payment.action
    assert channel.calls["create"] == 1


@pytest.mark.parametrize(
    ("wanted", "given"), [(None, 1800), (3600, 1800), (600, 600), (60, 60), (59, 60), (-1, 60)]
)
def test_the_channel_takes_money_for_as_long_as_it_is_wanted_within_a_minute_and_the_usual(
    channel, wanted, given
):
    now = timezone.now()
    until = None if wanted is None else now + dt.timedelta(seconds=wanted)

    payment = services.open_payment(
        order_no="N1",
        channel="fake",
        amount=1,
        currency="CNY",
        subject="Order N1",
        return_url="https://shop.example/result",
        now=now,
        wanted_until=until,
    )

    assert payment.expires_at == now + dt.timedelta(seconds=given)


def test_a_definite_refusal_makes_it_failed(channel):
    channel.script("create", DefiniteNo("amount too small"))

    payment = a_payment()

    assert payment.status == Status.FAILED
    assert payment.evidence.get().error == "amount too small"


def test_a_channel_never_reached_makes_it_failed_so_that_another_can_be_tried(channel):
    order = an_order()
    channel.script("create", NotExecuted("connection refused"))

    assert a_payment(order).status == Status.FAILED
    assert a_payment(order, channel="other").status == Status.PAYING


@pytest.mark.parametrize("answer", [NotExecuted(), DefiniteNo("expired"), DefiniteNo("conflict")])
def test_a_replay_without_success_ends_nothing_since_the_first_call_may_have_worked(
    channel, answer
):
    channel.script("create", OutcomeUnknown(), answer)
    lost = a_payment()

    assert create(lost).status == Status.PAYING


def test_a_channel_whose_code_breaks_leaves_the_payment_in_the_fog(channel):
    channel.script("create", RuntimeError("bug"), executed=True)

    assert a_payment().status == Status.PAYING


def test_an_order_has_one_payment_in_the_fog(channel):
    order = an_order()
    first = a_payment(order)

    with pytest.raises(services.AnotherPaymentInFog) as refused:
        an_opened_payment(order, channel="other")

    assert refused.value.payment == first


def test_an_unknown_channel_is_named_with_those_that_are_known(channel):
    with pytest.raises(UnknownChannel, match='"bank"; configured: fake, other'):
        an_opened_payment(channel="bank")


def test_a_currency_that_is_not_taken_is_named_with_those_that_are(channel):
    with pytest.raises(services.CurrencyNotTaken, match="not take KWD; it takes CNY, JPY"):
        an_opened_payment(an_order(currency="KWD"))


def test_payment_numbers_suit_every_channel_and_can_not_be_guessed(channel):
    numbers = {an_opened_payment().payment_no for _ in range(20)}

    assert len(numbers) == 20
    assert all(len(no) == 21 and no.isalnum() and no.isascii() for no in numbers)
