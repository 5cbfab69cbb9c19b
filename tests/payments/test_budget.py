"""The channel's query budget: shared by all, never overdrawn, and nothing is lost by it."""

import datetime as dt
import time
from collections import Counter
from dataclasses import replace

import pytest
from django.db.models import Q
from django.utils import timezone
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter

from payments import services
from payments.channels.base import RefundState
from payments.channels.registry import get_channel
from payments.models import Evidence, Payment, Refund
from payments.services import budget, consulting, pull_forward
from payments.services.postponing import postpone_payments
from payments.states import RefundReason, RefundStatus, Source, Status
from tests.factories import a_payment
from tests.flows.world import at_once

pytestmark = pytest.mark.django_db
NOW = timezone.now()


class Clock:
    """The time that the budget's window sees."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = time.time()
        monkeypatch.setattr("limits.storage.redis.time.time", lambda: self.now)


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


@pytest.fixture
def allow(settings, channel, clock):
    """Say how often the channel `fake` may be asked."""

    def set_to(rate):
        config = dict(settings.NODROP_CHANNELS["fake"]) | {"QUERY_BUDGET": rate}
        settings.NODROP_CHANNELS = dict(settings.NODROP_CHANNELS) | {"fake": config}
        return get_channel("fake")

    return set_to


@pytest.fixture
def redis_away(monkeypatch):
    nowhere = RedisStorage("redis+unix:///nowhere")
    monkeypatch.setattr(budget, "_shared", lambda: MovingWindowRateLimiter(nowhere))
    monkeypatch.setattr(budget.breaker, "quiet_until", 0.0)
    budget._local.cache_clear()


def due_payments(count):
    payments = [a_payment(started=NOW) for _ in range(count)]
    return payments, NOW + dt.timedelta(seconds=11)


def due_times():
    return [
        (due_at - NOW).total_seconds()
        for due_at in Payment.objects.order_by("pk").values_list("consult_due_at", flat=True)
    ]


# --- Taking --------------------------------------------------------------------------------------


def test_so_many_calls_in_any_second_and_no_more(allow, clock):
    allow("3/second")

    first = [budget.spend("fake") for _ in range(4)]
    clock.now += 0.9
    still = budget.spend("fake")
    clock.now += 0.2
    then = [budget.spend("fake") for _ in range(4)]

    assert (first, still, then) == ([True] * 3 + [False], False, [True] * 3 + [False])


def test_many_at_once_share_one_budget(allow):
    allow("5/second")

    got = at_once(*[lambda: budget.spend("fake")] * 20)

    assert sum(got) == 5


def test_each_channel_has_a_budget_of_its_own(allow):
    allow("1/second")

    assert [budget.spend(name) for name in ("fake", "fake", "other", "other")] == [
        *(True, False),
        *(True, True),
    ]


def test_a_channel_may_say_itself_how_often_it_is_asked(channel, clock, monkeypatch):
    said = replace(channel.capabilities, query_budget="1/second")
    monkeypatch.setattr(channel, "capabilities", said)

    assert [budget.spend("fake"), budget.spend("fake")] == [True, False]


@pytest.mark.usefixtures("redis_away")
def test_without_redis_each_process_keeps_to_the_limit_by_itself(allow):
    allow("3/second")

    assert [budget.spend("fake") for _ in range(5)] == [True] * 3 + [False] * 2


# --- Consults ------------------------------------------------------------------------------------


def test_what_finds_no_budget_is_due_again_soon_and_leaves_no_trace(allow):
    channel = allow("2/second")
    _, now = due_payments(5)

    services.consult_due(now=now)

    assert channel.calls["query"] == 2
    asked = [seconds for seconds in due_times() if seconds > 29]
    soon = [seconds for seconds in due_times() if 12 <= seconds <= 11 + 1 + 5 / 2 + 0.5]
    assert (len(asked), len(soon)) == (2, 3)
    assert Evidence.objects.filter(source=Source.CONSULT).count() == 2
    assert Counter(Payment.objects.values_list("consults", flat=True)) == {1: 2, 0: 3}


def test_after_an_outage_the_channel_is_asked_at_its_own_pace_until_all_are_known(allow, clock):
    channel = allow("10/second")
    payments, now = due_payments(60)
    for payment in payments:
        channel.pay(payment.payment_no)
    per_second = []

    for _ in range(60):
        before = channel.calls["query"]
        services.sweep(now=now + consulting.OVERDUE, hours=24)
        services.consult_due(now=now + consulting.OVERDUE)
        per_second.append(channel.calls["query"] - before)
        now += dt.timedelta(seconds=1)
        clock.now += 1.001

    assert max(per_second) == 10
    assert sum(per_second) == channel.calls["query"] == 60
    assert set(Payment.objects.values_list("status", flat=True)) == {Status.SUCCEEDED}


def test_a_crowd_is_spread_over_the_time_that_its_budget_needs(allow):
    allow("50/second")

    waits = [
        budget.wait_for_budget(channel="fake", waiting=waiting, chance=chance).total_seconds()
        for waiting, chance in [(500, 0), (500, 0.5), (500, 1), (1_000_000, 1)]
    ]

    assert waits == [1, 6, 11, 121]


def test_who_has_just_come_back_is_asked_about_first(allow):
    channel = allow("1/second")
    payments, now = due_payments(5)
    last = payments[-1]
    pull_forward(payment_no=last.payment_no, now=now)

    services.consult_due(now=now)

    assert channel.calls["query"] == 1
    last.refresh_from_db()
    assert last.consulted_at is not None
    assert last.evidence.filter(source=Source.RETURN).count() == 1


def test_a_shopper_who_comes_back_while_hers_is_postponed_keeps_her_place(allow):
    allow("1/second")
    [payment, _], now = due_payments(2)
    claimed = consulting._claim(Q(consult_due_at__lte=now), now)
    pull_forward(payment_no=payment.payment_no, now=now)

    postpone_payments(claimed, now)

    [pulled, other] = due_times()
    assert pulled == 11
    assert 12 <= other <= 15  # three are waiting: both of these, and the one that is due


def test_an_operator_is_answered_whatever_the_budget_says_and_is_charged(allow):
    channel = allow("1/second")
    payments, now = due_payments(2)
    budget.spend("fake")

    services.query_now(payment_no=payments[0].payment_no, now=now, actor="olga")

    assert channel.calls["query"] == 1


def test_a_close_takes_three_calls_or_waits_for_its_next_turn(allow, clock):
    channel = allow("3/second")
    [payment], now = due_payments(1)
    budget.spend("fake")

    services.close_payment(payment_no=payment.payment_no, now=now)
    without = dict(channel.calls)
    payment.refresh_from_db()
    clock.now += 1.1
    services.consult_due(now=payment.consult_due_at)

    payment.refresh_from_db()
    assert (without["query"], without.get("close", 0)) == (1, 0)
    assert payment.status == Status.CLOSED


# --- Refunds -------------------------------------------------------------------------------------


def test_a_refund_that_finds_no_budget_was_not_sent_and_is_sent_soon(allow, clock):
    channel = allow("1/second")
    [payment], now = due_payments(1)
    channel.pay(payment.payment_no)
    services.consult_due(now=now)
    refund = services.request_refund(
        payment_no=payment.payment_no,
        amount=None,
        reason=RefundReason.CUSTOMER,
        origin="test/1",
        now=now,
    )
    channel.refund_state = RefundState.SUCCEEDED

    services.refund_due(now=now)
    waiting = Refund.objects.get()
    clock.now += 1.1
    services.refund_due(now=waiting.consult_due_at)
    refund.refresh_from_db()

    assert (waiting.status, waiting.send_calls, waiting.consults) == (RefundStatus.REQUESTED, 0, 0)
    assert 1 <= (waiting.consult_due_at - now).total_seconds() <= 3
    assert (refund.status, refund.send_calls) == (RefundStatus.SUCCEEDED, 1)
    assert channel.calls["refund"] == 1


def test_an_operator_who_asks_about_a_refund_is_answered_though_it_takes_two_calls(allow):
    channel = allow("1/hour")
    [payment], now = due_payments(1)
    channel.pay(payment.payment_no)
    services.query_now(payment_no=payment.payment_no, now=now, actor="ops")
    refund = services.request_refund(
        payment_no=payment.payment_no,
        amount=None,
        reason=RefundReason.CUSTOMER,
        origin="test/1",
        now=now,
    )
    Refund.objects.update(send_calls=1)  # sent before, perhaps

    services.query_refund_now(refund_no=refund.refund_no, now=now, actor="ops")

    assert (channel.calls["query_refund"], channel.calls["refund"]) == (1, 1)
