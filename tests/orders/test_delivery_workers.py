"""Several workers, workers that die, and a receiver that hangs beside one that is well."""

import datetime as dt
import threading
import time

import pytest
from django.db import connection
from django.utils import timezone

from common.kill_points import acting
from orders.deliveries import claiming, deliver_due, loop
from orders.models import DeliveryTry, Endpoint, Notification
from orders.notifications import NOTIFY_DUE
from tests.factories import an_order
from tests.orders.receiver import slowly
from tests.orders.telling import a_fact, an_endpoint, deliver_all

pytestmark = pytest.mark.django_db(transaction=True)


class Killed(BaseException):
    """As good as SIGKILL: nothing handles it."""


def in_threads(*works):
    """Run them at once, each with a database connection of its own; re-raises what one raised."""
    trouble = []

    def run(work):
        try:
            work()
        except BaseException as error:  # noqa: BLE001
            trouble.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if trouble:
        raise trouble[0]


def die(point):
    if point == "notification.sent":
        raise Killed


def test_killed_between_sending_and_recording_it_is_sent_again_under_the_same_id(receiver):
    an_endpoint(receiver.url)
    fact, now = a_fact(), timezone.now()

    with acting(die), pytest.raises(Killed):
        deliver_due(now=now)
    fact.refresh_from_db()
    assert (fact.state, DeliveryTry.objects.count()) == ("waiting", 0)
    deliver_due(now=now + claiming.LEASE)

    fact.refresh_from_db()
    assert fact.state == "delivered"
    assert receiver.ids == [fact.message_id] * 2


def test_a_dead_workers_endpoint_is_left_alone_until_its_lease_is_over(receiver):
    an_endpoint(receiver.url)
    _fact, now = a_fact(), timezone.now()
    with acting(die), pytest.raises(Killed):
        deliver_due(now=now)

    assert deliver_due(now=now + claiming.LEASE - dt.timedelta(seconds=1)) == 0


def test_what_cannot_be_recorded_is_sent_again_and_stops_no_other(receiver, monkeypatch):
    an_endpoint(receiver.url)
    facts, now = [a_fact(), a_fact()], timezone.now()
    real = loop.record

    def record(*, notification, **values):
        if notification.pk == facts[0].pk:
            raise RuntimeError("no disk")
        real(notification=notification, **values)

    with monkeypatch.context() as patched:
        patched.setattr(loop, "record", record)
        deliver_due(now=now)
    states = list(Notification.objects.order_by("pk").values_list("state", flat=True))
    assert states == ["waiting", "delivered"]
    deliver_due(now=now + claiming.LEASE)

    facts[0].refresh_from_db()
    assert facts[0].state == "delivered"


def test_two_workers_never_send_the_same_at_once(receiver):
    receiver.always = slowly(0.02)
    an_endpoint(receiver.url)
    facts = [a_fact(order) for order in (an_order() for _ in range(10)) for _ in range(3)]

    def work():
        ends_at = time.monotonic() + 20
        while time.monotonic() < ends_at and Notification.objects.filter(state="waiting").exists():
            deliver_due(now=timezone.now())

    in_threads(work, work, work)

    assert sorted(receiver.ids) == sorted(fact.message_id for fact in facts)
    assert receiver.at_once == 1
    assert order_kept(receiver, facts)


def order_kept(receiver, facts):
    """Whether the facts of each order came in the order in which they were written."""
    came = {message_id: number for number, message_id in enumerate(receiver.ids)}
    by_order = {}
    for fact in facts:
        by_order.setdefault(fact.order_id, []).append(came[fact.message_id])
    return all(numbers == sorted(numbers) for numbers in by_order.values())


def test_a_receiver_that_hangs_holds_up_no_other(receiver, other_receiver, monkeypatch):
    monkeypatch.setattr(loop, "SECONDS", 8.0)
    receiver.always = receiver.hanging
    an_endpoint(receiver.url, "hangs")
    well = an_endpoint(other_receiver.url, "well")
    for order in [an_order() for _ in range(40)]:
        for _ in range(5):
            a_fact(order)
    started = time.monotonic()
    ended = []

    def work_until_the_well_one_has_all():
        while Notification.objects.filter(endpoint=well, state="waiting").exists():
            deliver_due(now=timezone.now())
            assert time.monotonic() - started < 30
        ended.append(time.monotonic() - started)

    in_threads(work_until_the_well_one_has_all, work_until_the_well_one_has_all)

    assert Notification.objects.filter(endpoint=well, state="delivered").count() == 200
    assert len(other_receiver.received) == 200
    print(f"200 notifications beside a hanging receiver: {min(ended):.2f} s")  # noqa: T201
    assert min(ended) < 8.0  # before the first deadline of the hanging one was over
    assert len(set(receiver.ids)) <= 16


def test_an_endpoint_is_given_back_as_soon_as_its_own_batch_is_done(
    receiver, other_receiver, short_deadline, monkeypatch
):
    receiver.always = receiver.hanging
    an_endpoint(receiver.url, "hangs")
    well = an_endpoint(other_receiver.url, "well")
    order = an_order()
    for _ in range(2):
        a_fact(order)
    woken, started = [], time.monotonic()
    monkeypatch.setattr(
        claiming.wake,
        "announce",
        lambda **values: woken.append((values["task"], time.monotonic() - started)),
    )

    deliver_due(now=timezone.now())

    assert woken[0][0] == NOTIFY_DUE
    assert woken[0][1] < 0.4  # the well one, which has its second one due; the other still hangs
    well.refresh_from_db()
    assert well.lease_until <= timezone.now()


def test_an_endpoint_that_answers_nothing_rests(receiver, short_deadline):
    receiver.always = receiver.hanging
    endpoint = an_endpoint(receiver.url)
    for _ in range(17):
        a_fact()

    assert deliver_due(now=timezone.now()) == claiming.BATCH
    assert deliver_due(now=timezone.now()) == 0

    assert Endpoint.objects.get(pk=endpoint.pk).lease_until > timezone.now()
    assert deliver_due(now=timezone.now() + claiming.REST) == 1 + claiming.BATCH - 1


def test_more_endpoints_than_one_task_takes_wake_another(receiver, monkeypatch):
    for number in range(claiming.ENDPOINTS + 2):
        an_endpoint(receiver.url, f"system {number}")
    fact, woken = a_fact(), []
    monkeypatch.setattr(claiming.wake, "wake", lambda **values: woken.append(values["task"]))

    tried = [deliver_due(now=timezone.now()) for _ in range(2)]

    assert tried == [claiming.ENDPOINTS, 2]
    assert woken == [NOTIFY_DUE]
    assert receiver.ids == [fact.message_id] * (claiming.ENDPOINTS + 2)


def test_no_transaction_is_open_while_a_receiver_is_asked(receiver, monkeypatch):
    an_endpoint(receiver.url)
    a_fact()
    open_ones = []
    real = loop._send

    def send(*args):
        open_ones.append(connection.in_atomic_block)
        return real(*args)

    monkeypatch.setattr(loop, "_send", send)

    assert deliver_all() == 1
    assert open_ones == [False, False]


def test_a_delivery_costs_few_statements(receiver, django_assert_max_num_queries):
    an_endpoint(receiver.url)
    for _ in range(claiming.BATCH):
        a_fact()

    # Lease (2), find (1), give back (2); and for each: the try, the state, those behind it.
    with django_assert_max_num_queries(5 + 3 * claiming.BATCH + 2 * (claiming.BATCH + 1)):
        deliver_due(now=timezone.now())


def test_endpoints_where_only_what_has_to_wait_is_due_are_not_taken_on(receiver, monkeypatch):
    """Else as many of them as one task takes on would have it look again and again, for hours."""
    for number in range(claiming.ENDPOINTS):
        an_endpoint(receiver.url, f"system {number}")
    first, woken = a_fact(), []
    Notification.objects.update(due_at=timezone.now() + dt.timedelta(hours=5))
    a_fact(first.order)
    monkeypatch.setattr(claiming.wake, "wake", lambda **about: woken.append(about))

    assert deliver_due(now=timezone.now()) == 0

    assert (woken, receiver.received) == ([], [])
