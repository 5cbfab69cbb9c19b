"""The first page tells at a glance what waits, what is owed, and what is not alive."""

import datetime as dt

import pytest
from django.test import override_settings
from django.utils import timezone

from alerts.models import Alert
from alerts.services import raise_alert
from orders.models import Endpoint, LedgerEntry, Notification, Order
from payments import services
from payments.channels.base import BadSignature, DefiniteNo
from payments.models import Difference, Evidence, Payment, PaymentEvent, Refund, Statement
from payments.states import Source, Verdict
from tests.admin.story import a_paid_payment, a_refund, send_refunds
from tests.factories import a_payment, an_order, rewriting_history
from tests.orders.telling import a_fact, an_endpoint

pytestmark = pytest.mark.django_db


def tiles(client):
    context = client.get("/admin/").context
    shown = [*context["to_look_at"], *context["waiting"], *context["alive"]]
    return {tile.title: tile for tile in shown}


def test_a_quiet_night_is_quiet_but_for_parts_that_were_never_seen(operator, channel):
    seen = tiles(operator)

    assert [seen[name].figure for name in ("In the fog", "Overdue consults", "Relay backlog")] == [
        "0",
        "0",
        "0",
    ]
    assert {title for title, tile in seen.items() if tile.mood} == {
        *("Beat", "Sweep", "Relay", "Inside watch")
    }
    assert seen["Beat"].figure == "never seen"


def test_what_waits_is_counted_with_the_age_of_the_oldest(operator, channel):
    late, _soon = a_payment(), a_payment()
    due_at = timezone.now() - dt.timedelta(minutes=5)
    Payment.objects.filter(pk=late.pk).update(consult_due_at=due_at, slow_lane_at=due_at)
    with rewriting_history():
        PaymentEvent.objects.update(occurred_at=due_at)

    seen = tiles(operator)

    assert seen["In the fog"].figure == "2"
    assert (seen["Overdue consults"].figure, seen["Overdue consults"].mood) == ("1", "bad")
    assert seen["Overdue consults"].note == "oldest waits 5 min"
    assert seen["Slow lane"].figure == "1"
    assert (seen["Relay backlog"].figure, seen["Relay backlog"].mood) == ("4", "bad")


def test_every_figure_leads_to_its_list(operator, channel):
    a_payment()

    links = [tile.url for tile in tiles(operator).values() if tile.url]

    assert len(links) == 19
    assert {operator.get(url).status_code for url in links} == {200}


def test_evidence_to_look_at_is_counted_for_a_week(operator, channel):
    now = timezone.now()
    for number, (verdict, days) in enumerate(
        [("failed", 0), ("orphan", 1), ("contradicts", 2), ("applied", 0), ("orphan", 8)]
    ):
        Evidence.objects.create(
            channel="fake",
            source=Source.CALLBACK,
            event_id=f"evt-{number}",
            verdict=Verdict(verdict),
            received_at=now - dt.timedelta(days=days),
        )

    assert tiles(operator)["Evidence to look at"].figure == "3"


def test_surplus_money_is_summed_by_currency(operator, channel):
    for number, (amount, currency) in enumerate([(1250, "CNY"), (50, "CNY"), (300, "JPY")]):
        LedgerEntry.objects.create(
            order=an_order(),
            payment_no=f"P{number}",
            amount=amount,
            currency=currency,
            entry="surplus",
            recorded_at=timezone.now(),
        )

    tile = tiles(operator)["Owed back"]

    assert (tile.figure, tile.note) == (
        "13.00 CNY + 300 JPY",
        "surplus of 3 payments, not gone back yet",
    )


def test_forged_callbacks_are_counted(operator, channel):
    with pytest.raises(BadSignature):
        services.receive_callback(channel="fake", headers={}, body=b"{}", now=timezone.now())

    tile = tiles(operator)["Callbacks refused today"]

    assert (tile.figure, tile.note, tile.mood) == ("1", "Fake 1", "warn")


def test_a_heartbeat_that_stopped_is_red(operator, channel):
    now = timezone.now()
    services.heartbeat(name="beat", now=now)
    services.heartbeat(name="sweep", now=now - dt.timedelta(minutes=10))

    seen = tiles(operator)

    assert (seen["Beat"].mood, seen["Sweep"].mood) == ("", "bad")
    assert seen["Sweep"].figure == "10 min ago"


def test_it_renders_while_redis_is_down(operator, channel, settings):
    nowhere = settings.CACHES["default"] | {"LOCATION": "redis://127.0.0.1:1/0"}

    with override_settings(CACHES={"default": nowhere}):
        seen = tiles(operator)

    assert (seen["Redis"].figure, seen["Redis"].mood) == ("down", "bad")
    assert seen["Callbacks refused today"].figure == "unknown"


def test_it_is_cheap(operator, payments_in_every_state, django_assert_num_queries):
    with django_assert_num_queries(24):
        operator.get("/admin/")


def test_open_alerts_call_somebody(operator, channel):
    raise_alert("alert.watch", subject="x", now=timezone.now() - dt.timedelta(hours=2))

    tile = tiles(operator)["Open alerts"]

    assert (tile.figure, tile.note, tile.mood) == ("1", "oldest waits 2 h", "bad")


def test_refunds_under_way_slow_and_failed_are_counted(operator, channel):
    payment = a_paid_payment(channel)
    a_refund(payment, 100)
    channel.script("refund", DefiniteNo("the account is closed"))
    send_refunds()
    a_refund(payment, 200)
    slow = a_refund(payment, 300)
    Refund.objects.filter(pk=slow.pk).update(slow_lane_at=timezone.now())

    seen = tiles(operator)

    figures = {name: seen[name].figure for name in ("Refunds under way", "Slow refunds")}
    assert figures == {"Refunds under way": "2", "Slow refunds": "1"}
    assert (seen["Refunds failed"].figure, seen["Refunds failed"].mood) == ("1", "bad")
    assert seen["Relay backlog"].url.endswith("/refundevent/?relay=waiting")


def test_a_failed_refund_that_somebody_looked_after_is_counted_no_more(operator, channel):
    a_refund(a_paid_payment(channel))
    channel.script("refund", DefiniteNo("the account is closed"))
    send_refunds()
    Alert.objects.update(resolved_at=timezone.now(), resolution="by hand")

    assert tiles(operator)["Refunds failed"].figure == "0"


def test_closings_that_stand_still_are_counted(operator, channel):
    order = an_order()
    Order.objects.filter(pk=order.pk).update(close_asked_at=timezone.now() - dt.timedelta(hours=1))

    tile = tiles(operator)["Closings that stand still"]

    assert (tile.figure, tile.note, tile.mood) == ("1", "oldest waits 1 h", "warn")


def test_notifications_that_wait_and_that_failed_are_counted(operator, channel):
    endpoint = an_endpoint("https://warehouse.example/hook")
    a_fact(now=timezone.now() - dt.timedelta(minutes=30))
    failed = a_fact()
    Notification.objects.filter(pk=failed.pk).update(state="failed", due_at=None)

    seen = tiles(operator)
    Endpoint.objects.filter(pk=endpoint.pk).update(active=False)

    waiting, gave_up = seen["Notifications waiting"], seen["Notifications failed"]
    assert (waiting.figure, waiting.note, waiting.mood) == ("1", "oldest waits 30 min", "bad")
    assert (gave_up.figure, gave_up.mood) == ("1", "bad")
    assert tiles(operator)["Notifications waiting"].figure == "0"


def test_statements_that_are_missing_and_differences_that_are_open_are_counted(operator, channel):
    now = timezone.now()
    late = Statement.objects.create(channel="fake", day=now.date(), due_at=now, tries=1)
    Difference.objects.create(statement=late, kind="missing_there", payment_no="P", found_at=now)

    seen = tiles(operator)
    raise_alert("alert.statement_missing", subject=str(late), now=now)

    assert (seen["Statements missing"].figure, seen["Statements missing"].mood) == ("1", "warn")
    assert (seen["Differences open"].figure, seen["Differences open"].mood) == ("1", "warn")
    assert tiles(operator)["Statements missing"].mood == "bad"
