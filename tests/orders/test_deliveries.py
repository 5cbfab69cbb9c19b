"""Delivering: at least once, in order for each order, by the schedule, and then kept as failed."""

import datetime as dt

import pytest
from django.utils import timezone

from alerts.models import Alert
from orders.deliveries import deliver_due
from orders.endpoints import set_active
from orders.models import DeliveryTry, Notification
from tests.factories import an_order
from tests.orders.receiver import answering
from tests.orders.telling import a_fact, an_endpoint, deliver_all

pytestmark = pytest.mark.django_db(transaction=True)
STEPS = [0, 5, 300, 1800, 7200, 18000, 36000, 36000]


def after(seconds, since=None):
    return (since or timezone.now()) + dt.timedelta(seconds=seconds)


def test_a_fact_is_delivered_at_once_and_only_once(receiver):
    an_endpoint(receiver.url)
    fact = a_fact()

    assert deliver_all() == 1

    fact.refresh_from_db()
    assert (fact.state, fact.tries, fact.due_at) == ("delivered", 1, None)
    assert fact.delivered_at is not None
    assert [each.body.decode() for each in receiver.received] == [fact.body]
    assert receiver.received[0].headers["content-type"] == "application/json"


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_every_2xx_confirms(receiver, status):
    receiver.always = answering(status)
    an_endpoint(receiver.url)
    fact = a_fact()

    deliver_due(now=timezone.now())

    fact.refresh_from_db()
    assert fact.state == "delivered"


@pytest.mark.parametrize("status", [300, 304, 400, 404, 410, 429, 500, 503])
def test_no_other_answer_confirms(receiver, status):
    receiver.always = answering(status, b"" if status == 304 else b"not\x00 now\n")
    an_endpoint(receiver.url)
    fact = a_fact()

    deliver_due(now=timezone.now())

    fact.refresh_from_db()
    assert (fact.state, fact.tries) == ("waiting", 1)
    said = f"HTTP {status}" if status == 304 else f"HTTP {status} not now"
    assert DeliveryTry.objects.get().answer == said


def test_a_failure_is_tried_again_after_five_seconds(receiver):
    receiver.behaviours = [answering(500)]
    an_endpoint(receiver.url)
    fact, now = a_fact(), timezone.now()
    deliver_due(now=now)

    assert deliver_due(now=after(4.9, now)) == 0
    assert deliver_due(now=after(6, now)) == 1

    fact.refresh_from_db()
    assert (fact.state, fact.tries) == ("delivered", 2)
    assert receiver.ids == [fact.message_id] * 2


def test_after_the_last_step_it_is_kept_as_failed_with_an_alert(receiver):
    receiver.always = answering(500, b"out of order")
    an_endpoint(receiver.url)
    fact, now = a_fact(), timezone.now()

    for step in STEPS:
        now = after(step + 0.5, now)
        assert deliver_due(now=now) == 1
    assert deliver_due(now=after(1_000_000, now)) == 0

    fact.refresh_from_db()
    assert (fact.state, fact.tries, fact.due_at) == ("failed", 8, None)
    assert DeliveryTry.objects.count() == len(receiver.received) == 8
    alert = Alert.objects.get(kind="notification_failed", subject="warehouse")
    assert f"({fact.message_id}): HTTP 500 out of order" in alert.detail
    assert fact.order.order_no in alert.detail


def test_the_tries_are_as_far_apart_as_promised(receiver):
    receiver.always = answering(500)
    an_endpoint(receiver.url)
    fact, now = a_fact(), timezone.now()

    gaps = []
    for _ in STEPS[1:]:
        deliver_due(now=now)
        fact.refresh_from_db()
        gaps.append(round((fact.due_at - now).total_seconds()))
        now = fact.due_at

    assert gaps == STEPS[1:]


def test_a_later_fact_never_overtakes_an_earlier_one_of_its_order(receiver):
    receiver.behaviours = [answering(500)]
    an_endpoint(receiver.url)
    order = an_order()
    facts = [a_fact(order, type) for type in ("order.closed", "order.revived", "order.refunded")]
    now = timezone.now()

    deliver_all(now=now)
    assert receiver.ids == [facts[0].message_id]
    deliver_all(now=after(10, now))

    assert receiver.ids == [facts[0].message_id, *[fact.message_id for fact in facts]]


def test_a_fact_that_comes_while_an_earlier_one_waits_waits_too(receiver):
    receiver.behaviours = [answering(500), answering(500)]
    an_endpoint(receiver.url)
    order = an_order()
    first, now = a_fact(order), timezone.now()
    deliver_all(now=now)
    second = a_fact(order)

    deliver_all(now=after(6, now))
    assert receiver.ids == [first.message_id] * 2
    second.refresh_from_db()
    assert second.due_at == Notification.objects.get(pk=first.pk).due_at
    deliver_all(now=after(400, now))

    assert receiver.ids == [first.message_id] * 3 + [second.message_id]


def test_a_fact_that_waits_holds_up_no_other_order(receiver):
    receiver.behaviours = [answering(500)]
    an_endpoint(receiver.url)
    a_fact()
    deliver_due(now=timezone.now())
    other = a_fact()

    deliver_all()

    other.refresh_from_db()
    assert other.state == "delivered"


def test_when_one_is_given_up_the_next_of_its_order_has_its_turn(receiver):
    an_endpoint(receiver.url)
    order, now = an_order(), timezone.now()
    given_up, next_one = a_fact(order), a_fact(order)
    receiver.behaviours = [answering(500)] * len(STEPS)

    for step in STEPS:
        now = after(step + 0.5, now)
        deliver_due(now=now)
    deliver_due(now=after(1, now))

    given_up.refresh_from_db()
    next_one.refresh_from_db()
    assert (given_up.state, next_one.state) == ("failed", "delivered")


def test_what_waits_pauses_with_its_endpoint(receiver):
    endpoint = an_endpoint(receiver.url)
    a_fact()
    set_active(endpoint_id=endpoint.pk, active=False, now=timezone.now())
    assert deliver_all() == 0

    set_active(endpoint_id=endpoint.pk, active=True, now=timezone.now())

    assert deliver_all() == 1


def test_what_became_true_in_a_pause_is_told_after_it_in_order_and_with_all_tries(receiver):
    endpoint, order = an_endpoint(receiver.url), an_order()
    set_active(endpoint_id=endpoint.pk, active=False, now=timezone.now())
    facts = [a_fact(order, type) for type in ("order.closed", "order.revived", "order.refunded")]
    a_week = after(7 * 86400)
    tried_off = deliver_all(now=a_week)

    set_active(endpoint_id=endpoint.pk, active=True, now=a_week)
    receiver.behaviours.append(answering(503))
    deliver_all(now=a_week)
    deliver_all(now=after(6, a_week))

    assert tried_off == 0
    assert receiver.ids == [facts[0].message_id, *(fact.message_id for fact in facts)]
    assert set(Notification.objects.values_list("state", flat=True)) == {"delivered"}
    assert not Alert.objects.exists()


def test_each_endpoint_has_its_own_tries(receiver, other_receiver):
    receiver.always = answering(500)
    an_endpoint(receiver.url, "books")
    an_endpoint(other_receiver.url, "warehouse")
    a_fact()

    deliver_due(now=timezone.now())

    assert receiver.ids == other_receiver.ids
    states = Notification.objects.order_by("endpoint__name").values_list("state", flat=True)
    assert list(states) == ["waiting", "delivered"]
