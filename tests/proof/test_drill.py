"""The drill itself, in small: it finds nothing in the shop as it is, and finds what is broken."""

from dataclasses import replace

import pytest

from payments.services import consulting
from proof.drill.figures import NEVER
from proof.drill.report import report
from proof.drill.running import run_strategy
from proof.drill.strategies import CALLBACK, HOURLY, MESSAGES, SCAN
from proof.drill.weather import LEVELS
from proof.simulator.world import EVERYTHING
from workers.schedule import ENTRIES

SEED, ORDERS = 3, 10

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]


@pytest.fixture(autouse=True)
def _rough_weather(monkeypatch):
    """So few orders need more lost callbacks than thousands do."""
    monkeypatch.setitem(LEVELS, "F01", 0.6)


def test_the_full_design_drops_nothing_and_a_run_can_be_repeated():
    first = run_strategy(seed=SEED, orders=ORDERS, strategy=EVERYTHING)
    second = run_strategy(seed=SEED, orders=ORDERS, strategy=EVERYTHING)

    assert first.taken
    assert (first.drops, first.doubles, list(first.broken)) == (0, 0, [])
    assert replace(first, rows_read=0) == replace(second, rows_read=0)


def test_callbacks_alone_drop_payments():
    alone = run_strategy(seed=SEED, orders=ORDERS, strategy=CALLBACK)

    assert alone.drops
    assert alone.queries <= alone.payments  # only who pays again has the first payment closed


def test_a_shop_that_asks_nobody_fails_and_the_story_is_told(monkeypatch, capsys):
    monkeypatch.setattr(consulting, "_consult", lambda *_args, **_options: None)
    deaf = replace(
        EVERYTHING,
        entries=tuple(entry for entry in ENTRIES if entry.task != "workers.import_statements"),
    )

    outcome = run_strategy(seed=SEED, orders=ORDERS, strategy=deaf, hours=1)
    failed = report([outcome], seed=SEED, orders=ORDERS)

    told = capsys.readouterr().out
    assert failed
    assert outcome.drops
    assert f"again: make drill SEED={SEED} ORDERS={ORDERS}" in told
    assert "the callback is lost" in told
    assert " takes " in told  # the step at which the channel took the money


def test_the_scan_finds_what_the_callback_lost_but_late():
    scanned = run_strategy(seed=SEED, orders=ORDERS, strategy=HOURLY)

    by_scan = [each.unknown_for for each in scanned.taken if each.found_by == "sweep"]
    assert by_scan
    assert all(60 < seconds < NEVER for seconds in by_scan)


def test_delayed_messages_ask_on_the_schedule():
    asked = run_strategy(seed=SEED, orders=ORDERS, strategy=MESSAGES)

    assert asked.queries > asked.payments / 2
    assert {each.found_by for each in asked.taken} <= {"callback", "consult", "close", ""}
    assert SCAN not in MESSAGES.tasks
