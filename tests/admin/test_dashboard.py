"""The first page tells at a glance what waits, what is owed, and what is not alive."""

import datetime as dt

import pytest
from django.test import override_settings
from django.utils import timezone

from orders.models import LedgerEntry
from payments import services
from payments.channels.base import BadSignature
from payments.models import Evidence, Payment, PaymentEvent
from payments.states import Source, Verdict
from tests.factories import a_payment, an_order, rewriting_history

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
