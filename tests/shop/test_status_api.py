"""The status poll: cheap, honest about what is not known yet, and paced by the server."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from payments.channels.base import ChannelState, RefundState
from payments.models import Payment
from payments.services import request_refund
from payments.states import RefundReason
from tests.shop.conftest import close_orders, learn, send_refunds, tell_orders, time_runs_out

pytestmark = pytest.mark.django_db


def path_of(payment):
    return f"/payments/{payment['payment_no']}/status"


def started(seconds_ago):
    Payment.objects.update(created_at=timezone.now() - dt.timedelta(seconds=seconds_ago))


def test_a_payment_in_the_fog_is_to_be_asked_about_again(guest):
    order = guest.order()
    payment = guest.pay(order)

    status = guest.status(payment)

    assert 800 <= status.pop("poll_after_ms") <= 1200
    assert parse_datetime(status.pop("give_up_at")) == Payment.objects.get().created_at + (
        dt.timedelta(minutes=15)
    )
    assert status == {
        "payment_no": payment["payment_no"],
        "status": "paying",
        "final": False,
        "version": 4,
        "order_no": order["order_no"],
        "order_status": "paying",
    }


def test_paid_is_final_only_when_the_order_knows(guest, channel):
    payment = guest.pay(guest.order())
    channel.pay(payment["payment_no"])
    learn(payment["payment_no"])

    before = guest.status(payment)
    tell_orders()
    after = guest.status(payment)

    assert (before["status"], before["order_status"], before["final"]) == (
        "succeeded",
        "paying",
        False,
    )
    assert (after["order_status"], after["final"], after["poll_after_ms"]) == ("paid", True, None)


def test_money_that_a_cancelled_order_no_longer_wanted_is_final_too(guest, channel):
    order = guest.order()
    payment = guest.pay(order)
    guest.post(f"/orders/{order['order_no']}/cancel")
    tell_orders()
    channel.pay(payment["payment_no"])
    learn(payment["payment_no"])

    assert guest.status(payment)["final"] is False
    tell_orders()
    assert guest.status(payment)["final"] is True


@pytest.mark.parametrize(("rule", "then"), [("revive", "paid"), ("refund", "closed")])
def test_late_money_is_told_by_a_fresh_poll_of_a_payment_that_was_final(
    guest, channel, settings, rule, then
):
    settings.LATE_MONEY = rule
    payment = guest.pay(guest.order())
    time_runs_out()
    close_orders()
    polls = [guest.get(path_of(payment))]
    channel.pay(payment["payment_no"])
    for happens in (lambda: learn(payment["payment_no"]), tell_orders):
        happens()
        polls.append(guest.get(path_of(payment), **{"If-None-Match": polls[-1]["ETag"]}))

    assert [poll.status_code for poll in polls] == [200] * 3
    told = [poll.json() for poll in polls]
    assert [(each["status"], each["order_status"], each["final"]) for each in told] == [
        ("closed", "closed", True),
        ("succeeded", "closed", False),
        ("succeeded", then, True),
    ]
    versions = [each["version"] for each in told]
    assert versions == sorted(set(versions))


def test_a_refund_makes_the_version_grow_and_nothing_else_final(guest, channel):
    payment = guest.pay(guest.order())
    channel.pay(payment["payment_no"])
    learn(payment["payment_no"])
    tell_orders()
    before = guest.status(payment)

    request_refund(
        payment_no=payment["payment_no"],
        amount=None,
        reason=RefundReason.CUSTOMER,
        origin="test",
        now=timezone.now(),
    )
    channel.refund_state = RefundState.SUCCEEDED
    send_refunds()
    after = guest.status(payment)

    assert (after["status"], after["order_status"], after["final"]) == (
        "succeeded",
        "refunded",
        True,
    )
    assert after["version"] > before["version"]


def test_the_version_grows_with_each_thing_that_happens(guest, channel):
    payment = guest.pay(guest.order())
    versions = [guest.status(payment)["version"]]
    tell_orders()  # of a payment that the order knows already: nothing new
    for happens in (lambda: learn(payment["payment_no"]), tell_orders):
        channel.end(payment["payment_no"], ChannelState.FAILED)
        happens()
        versions.append(guest.status(payment)["version"])

    assert versions == sorted(set(versions))


@pytest.mark.parametrize(
    ("age", "seconds"), [(0, 1), (4, 1), (6, 2), (29, 2), (31, 5), (119, 5), (121, 10), (890, 10)]
)
def test_the_server_paces_the_polling_by_the_payments_age(guest, age, seconds):
    payment = guest.pay(guest.order())
    started(age)

    assert seconds * 800 <= guest.status(payment)["poll_after_ms"] <= seconds * 1200


def test_after_a_quarter_of_an_hour_the_app_is_told_to_stop(guest):
    payment = guest.pay(guest.order())
    started(901)

    status = guest.status(payment)

    assert (status["poll_after_ms"], status["final"]) == (None, False)
    assert parse_datetime(status["give_up_at"]) < timezone.now()


def test_back_from_the_wallet_the_channel_is_due_and_the_pace_begins_anew(guest, channel):
    payment = guest.pay(guest.order())
    started(600)

    answer = guest.post(f"/payments/{payment['payment_no']}/returned")

    assert answer.status_code == 200
    assert answer.json()["poll_after_ms"] <= 1200
    assert Payment.objects.get().consult_due_at <= timezone.now()
    assert channel.calls["query"] == 0


@pytest.mark.parametrize(("who", "most"), [("guest", 2), ("ann", 3)])
def test_the_first_poll_after_the_return_costs_one_statement_more_and_no_call(
    request, channel, who, most
):
    app = request.getfixturevalue(who)
    payment = app.pay(app.order())
    calls = channel.calls.total()

    with CaptureQueriesContext(connection) as queries:
        answer = app.post(f"/payments/{payment['payment_no']}/returned")

    assert len([each for each in queries if "SAVEPOINT" not in each["sql"]]) <= most
    assert channel.calls.total() == calls
    assert answer.json() | {"poll_after_ms": 0} == app.status(payment) | {"poll_after_ms": 0}


def test_back_twice_within_five_seconds_is_back_once(guest):
    payment = guest.pay(guest.order())
    path = f"/payments/{payment['payment_no']}/returned"
    guest.post(path)
    first = Payment.objects.get().returned_at

    answer = guest.post(path)

    assert answer.status_code == 200
    assert Payment.objects.get().returned_at == first


def test_what_the_app_knows_already_is_not_sent_again(guest, channel):
    payment = guest.pay(guest.order())
    first = guest.get(path_of(payment))

    same = guest.get(path_of(payment), **{"If-None-Match": first["ETag"]})
    channel.pay(payment["payment_no"])
    learn(payment["payment_no"])
    news = guest.get(path_of(payment), **{"If-None-Match": first["ETag"]})

    assert (same.status_code, same.content, same["ETag"]) == (304, b"", first["ETag"])
    assert (news.status_code, news.json()["status"]) == (200, "succeeded")
    assert first["Cache-Control"] == same["Cache-Control"] == "private, no-cache"
    assert "X-Order-Token" in first["Vary"]


def test_the_tag_does_not_change_with_the_jitter_but_with_the_pace(guest):
    payment = guest.pay(guest.order())
    started(60)
    answers = [guest.get(path_of(payment)) for _ in range(8)]
    started(130)
    later = guest.get(path_of(payment))

    assert len({answer["ETag"] for answer in answers}) == 1
    assert len({answer.json()["poll_after_ms"] for answer in answers}) > 1
    assert later["ETag"] != answers[0]["ETag"]


@pytest.mark.parametrize(("who", "most"), [("ann", 2), ("guest", 1)])
def test_a_poll_costs_two_statements_at_most_and_no_call_of_the_channel(
    request, channel, who, most
):
    app = request.getfixturevalue(who)
    payment = app.pay(app.order())
    tag = app.get(path_of(payment))["ETag"]
    calls = channel.calls.total()

    for headers in ({}, {"If-None-Match": tag}):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            app.get(path_of(payment), **headers)
        assert len(queries) <= most
    assert channel.calls.total() == calls


def test_who_may_stop_asking_is_told_no_pace(guest):
    payment = guest.pay(guest.order())
    started(901)

    assert "X-Poll-After-Ms" not in guest.get(path_of(payment))
