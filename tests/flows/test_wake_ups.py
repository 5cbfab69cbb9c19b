"""What goes through the broker: few messages, none far ahead, each worthless after a while."""

import datetime as dt
import json
import os

import pytest
import redis
from celery import Task
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from common import breaker
from common import wake as wakes
from payments import services, wake
from payments.models import Payment
from tests.factories import a_payment, an_opened_payment
from workers import relay

pytestmark = pytest.mark.django_db(transaction=True)
PREFIX = settings.CELERY_BROKER_TRANSPORT_OPTIONS["global_keyprefix"]


@pytest.fixture
def queue():
    """Gives the headers of the messages that wait in a queue, oldest first; emptied at first."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.flushdb()

        def read(name):
            waiting = client.lrange(f"{PREFIX}{name}", 0, -1)
            return [json.loads(message)["headers"] for message in reversed(waiting)]

        yield read


def test_two_workers_of_a_test_run_never_share_their_messages():
    number = 1 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))

    with redis.Redis.from_url(settings.REDIS_URL) as client:
        assert client.get_connection_kwargs()["db"] == number


def time_of(text):
    return dt.datetime.fromisoformat(text)


def etas(messages):
    return [time_of(message["eta"]) for message in messages]


def test_two_hundred_payments_of_one_second_wake_the_workers_two_or_three_times(channel, queue):
    started = timezone.now()

    for number in range(200):
        an_opened_payment(started=started + dt.timedelta(milliseconds=5 * number))

    assert Payment.objects.count() == 200
    assert len(queue("consults")) in (2, 3)
    assert {message["task"] for message in queue("consults")} == {"workers.consult_due"}


def test_a_wake_up_comes_within_a_second_of_the_due_time_and_expires(channel, queue):
    payment = a_payment()

    [message] = queue("consults")

    late = time_of(message["eta"]) - payment.consult_due_at
    assert dt.timedelta(0) <= late < dt.timedelta(seconds=1)
    assert time_of(message["eta"]) <= timezone.now() + dt.timedelta(seconds=60)
    assert time_of(message["expires"]) - time_of(message["eta"]) == dt.timedelta(seconds=60)


def test_a_message_carries_no_data(channel, queue):
    payment = a_payment()

    [message] = queue("consults")

    assert (message["argsrepr"], message["kwargsrepr"]) == ("()", "{}")
    assert payment.payment_no not in json.dumps(message)


def test_the_coming_minute_is_announced_and_nothing_beyond(channel, queue):
    now = timezone.now()
    for seconds in (-1, 3, 3.2, 59, 61, 3600):
        payment = an_opened_payment(started=now)
        due_at = now + dt.timedelta(seconds=seconds)
        Payment.objects.filter(pk=payment.pk).update(consult_due_at=due_at)
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.flushdb()  # what the starts have announced

    services.announce_due(now=now)

    due = {now + dt.timedelta(seconds=seconds) for seconds in (3, 3.2, 59)}
    seconds = sorted({at.replace(microsecond=0) + dt.timedelta(seconds=1) for at in due})
    assert etas(queue("consults")) == seconds


def test_a_second_that_is_announced_is_not_announced_again(channel, queue):
    now = timezone.now()
    a_payment(started=now)

    for tick in range(3):
        services.announce_due(now=now + dt.timedelta(seconds=tick))

    assert len(queue("consults")) == 1


def test_a_due_time_far_ahead_is_left_to_beat(channel, queue):
    now = timezone.now()

    wake.announce_consult(due_at=now + dt.timedelta(seconds=61), now=now)

    assert queue("consults") == []


def test_what_is_due_at_once_is_published_without_an_eta(channel, queue):
    payment = a_payment(started=timezone.now() - dt.timedelta(seconds=5))
    before = len(queue("consults"))

    services.pull_forward(payment_no=payment.payment_no, now=timezone.now())

    [message] = queue("consults")[before:]
    assert message["eta"] is None


def test_without_the_cache_each_wake_up_is_published(channel, queue, monkeypatch):
    def is_down(*_args, **_kwargs):
        raise redis.ConnectionError("refused")

    monkeypatch.setattr(wakes.cache, "add", is_down)
    started = timezone.now()

    for _ in range(3):
        an_opened_payment(started=started)

    assert len(queue("consults")) == 3


def test_a_broker_that_failed_is_left_alone_for_a_while_and_then_tried_again(monkeypatch):
    tries = []

    def fail(self, *_args, **_kwargs):
        tries.append(self.name)
        raise redis.ConnectionError("refused")

    monkeypatch.setattr(Task, "apply_async", fail)
    monkeypatch.setattr(wakes.cache, "add", fail_to_claim)

    for _ in range(3):
        wake.wake_relay()
    assert len(tries) == 1

    monkeypatch.setattr(wakes.breaker, "quiet_until", wakes.breaker.quiet_until - breaker.SECONDS)
    wake.wake_relay()
    assert len(tries) == 2


def fail_to_claim(*_args, **_kwargs):
    raise redis.ConnectionError("refused")


def test_however_much_happens_while_no_relay_runs_one_message_waits_for_it(channel, queue):
    for _ in range(5):
        payment = a_payment()
        channel.pay(payment.payment_no)
        services.query_now(payment_no=payment.payment_no, now=timezone.now(), actor="")

    [message] = queue("relay")
    assert (message["task"], message["expires"] is not None) == ("workers.relay_due", True)


def test_what_happens_after_the_relay_has_looked_wakes_it_anew(channel, queue):
    payment = a_payment()
    relay.relay_due(now=timezone.now())
    channel.pay(payment.payment_no)

    services.query_now(payment_no=payment.payment_no, now=timezone.now(), actor="")

    assert [message["task"] for message in queue("relay")] == ["workers.relay_due"] * 2


def test_shoppers_who_come_back_while_no_worker_runs_leave_one_message(channel, queue):
    payments = [a_payment() for _ in range(5)]
    before = len(queue("consults"))

    for payment in payments:
        services.pull_forward(payment_no=payment.payment_no, now=timezone.now())
    assert len(queue("consults")) == before + 1


def test_a_shopper_who_comes_back_after_the_worker_has_looked_wakes_it_anew(channel, queue):
    payment, later = a_payment(), timezone.now() + dt.timedelta(seconds=6)
    services.pull_forward(payment_no=payment.payment_no, now=timezone.now())
    services.consult_due(now=timezone.now())
    before = len(queue("consults"))

    services.pull_forward(payment_no=payment.payment_no, now=later)

    assert len(queue("consults")) == before + 1


def test_a_rolled_back_start_wakes_nobody(channel, queue):
    with transaction.atomic():
        an_opened_payment()
        transaction.set_rollback(True)

    assert (queue("consults"), queue("relay")) == ([], [])
