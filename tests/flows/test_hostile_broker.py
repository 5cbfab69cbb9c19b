"""A Redis that answers with refusals, or shows itself to some only: the rows are enough."""

import pytest
from celery import Task
from django.core.cache import cache
from kombu.exceptions import OperationalError
from redis.exceptions import OutOfMemoryError, ReadOnlyError

from orders.models import LedgerEntry, Order
from orders.states import OrderStatus
from tests.flows.world import call_back, later

pytestmark = pytest.mark.django_db(transaction=True)
REFUSALS = [
    OutOfMemoryError("command not allowed when used memory > 'maxmemory'"),
    ReadOnlyError("You can't write against a read only replica."),
    OperationalError("Connection refused"),
]


def refuse(refusal):
    def answer(*_args, **_kwargs):
        raise refusal

    return answer


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: type(refusal).__name__)
def test_requests_are_answered_and_beat_finds_the_rest(app, channel, beat, monkeypatch, refusal):
    monkeypatch.setattr(Task, "apply_async", refuse(refusal))
    for name in ("add", "set", "get", "delete", "incr"):
        monkeypatch.setattr(type(cache._connections[cache._alias]), name, refuse(refusal))

    payment = app.buy()
    channel.pay(payment.payment_no)
    answer = call_back(channel.callback(payment.payment_no))
    beat.tick(later(payment, 60))

    assert answer.status_code == 200
    assert (Order.objects.get().status, LedgerEntry.objects.count()) == (OrderStatus.PAID, 1)


def test_a_broker_that_only_web_can_not_see_costs_no_more_than_the_time_of_the_sweep(
    app, channel, beat, monkeypatch
):
    with monkeypatch.context() as web:
        web.setattr(Task, "apply_async", refuse(REFUSALS[2]))
        payment = app.buy()
        channel.pay(payment.payment_no)

    beat.tick(later(payment, 60))

    assert (Order.objects.get().status, LedgerEntry.objects.count()) == (OrderStatus.PAID, 1)
