"""When statements are fetched, how they are kept, and what outlives a failure."""

import datetime as dt

import pytest

from common.kill_points import acting
from payments.channels.base import Capabilities, OutcomeUnknown
from payments.models import Evidence, Payment, Statement, StatementPart
from payments.services import statements
from payments.services.statements import comparing, importing, storing
from payments.services.statements.storing import raw_of
from payments.states import Status
from tests.factories import a_payment
from tests.flows.world import at_once
from tests.payments.statements.world import (
    A_DAY,
    AN_HOUR,
    DAY,
    MORNING,
    NOON,
    a_line,
    alerts,
    differences,
    everything,
    import_again,
    import_all,
    paid,
    paid_unnoticed,
)

pytestmark = pytest.mark.django_db(transaction=True)
MINUTE = dt.timedelta(minutes=1)
MISSING = ("statement_missing", f"fake {DAY}")


class Killed(BaseException):
    """The process is dead: nothing catches this."""


def state():
    statement = Statement.objects.get(channel="fake", day=DAY)
    return statement.state, statement.error, statement.due_at


def test_a_statement_that_is_late_is_tried_again_ever_more_slowly(channel):
    paid(channel)
    tries = []
    now = MORNING

    for _ in range(4):
        assert import_all(now) == 0
        before, now = now, state()[2]
        tries.append(now - before)

    assert tries == [10 * MINUTE, 30 * MINUTE, AN_HOUR, AN_HOUR]
    assert state()[:2] == ("waiting", "the statement is not ready")
    assert import_all(now - MINUTE) == 0
    assert channel.calls["statement"] == 4


def test_a_statement_that_has_not_come_in_six_hours_is_an_alert_until_it_comes(channel):
    paid(channel)
    midnight = MORNING - AN_HOUR

    import_all(midnight + 6 * AN_HOUR - MINUTE)
    assert alerts() == []
    import_all(midnight + 6 * AN_HOUR)
    assert alerts() == [MISSING]

    channel.write_statement(DAY)
    assert import_all(midnight + 8 * AN_HOUR) == 1
    assert alerts() == []


def test_a_new_shop_looks_for_no_statement_of_the_days_before_its_first_payment(channel):
    import_all()
    assert not Statement.objects.exists()

    paid_unnoticed(channel)
    import_all()

    assert list(Statement.objects.values_list("channel", "day")) == [("fake", DAY)]


def test_the_last_days_are_looked_for_and_no_others(channel, settings):
    settings.STATEMENT_DAYS = 3
    paid(channel)

    import_all(MORNING + 9 * A_DAY)

    days = Statement.objects.order_by("day").values_list("day", flat=True)
    assert list(days) == [DAY + A_DAY * number for number in (7, 8, 9)]


def test_after_ten_days_without_an_import_every_day_is_fetched(channel):
    paid(channel)
    for number in range(12):
        channel.write_statement(DAY + A_DAY * number)
    import_all()

    assert import_all(MORNING + 11 * A_DAY) == 11

    assert Statement.objects.filter(state="compared").count() == 12


def test_days_are_looked_for_after_the_longest_absence_too_and_not_without_end(channel):
    paid(channel)
    import_all()

    import_all(MORNING + 90 * A_DAY)
    assert Statement.objects.count() == 1 + 7  # the last known day is too far back
    import_all(MORNING + 98 * A_DAY)

    assert Statement.objects.count() == 1 + 7 + 8


def test_a_channel_without_statements_is_left_alone(channel):
    paid(channel)
    channel.capabilities = Capabilities(currencies=frozenset({"CNY"}))

    assert import_all() == 0

    assert not Statement.objects.exists()
    with pytest.raises(statements.NoStatements):
        import_again()


@pytest.fixture
def shanghai(channel):
    """The channel's day ends at 16:00 UTC, and its statement can be had an hour later."""
    channel.capabilities = Capabilities(
        currencies=frozenset({"CNY"}),
        has_statement=True,
        statement_timezone="Asia/Shanghai",
        statement_ready_after=3600,
    )
    return channel


def test_the_day_is_one_of_the_channels_time_zone(shanghai):
    first, last = NOON.replace(hour=16) - A_DAY, NOON.replace(hour=15, minute=59, second=59)
    within = [paid(shanghai, at=first), paid(shanghai, at=last)]
    paid(shanghai, at=first - dt.timedelta(seconds=1))
    paid(shanghai, at=last + dt.timedelta(seconds=1))
    shanghai.statements[DAY] = [b"end\n"]

    import_again()

    found = sorted(each.payment_no for each in within)
    assert [each[:2] for each in differences()] == [("missing_there", no) for no in found]


def test_a_statement_is_not_asked_for_before_it_should_be_ready(shanghai):
    paid(shanghai)
    shanghai.write_statement(DAY)
    ready = NOON.replace(hour=17)

    assert [import_all(ready - MINUTE), shanghai.calls["statement"]] == [0, 0]
    assert import_all(ready) == 1


def test_a_day_on_which_the_clocks_change_has_23_hours(channel):
    channel.capabilities = Capabilities(
        currencies=frozenset({"CNY"}), has_statement=True, statement_timezone="Europe/Berlin"
    )
    spring = dt.date(2026, 3, 29)
    evening = dt.datetime(2026, 3, 29, 22, tzinfo=dt.UTC)
    paid(channel, at=evening)  # the first moment of the next day
    channel.statements[spring] = [b"end\n"]

    import_again(evening, day=spring)

    assert differences() == []
    with pytest.raises(statements.DayNotOver):
        import_again(evening - MINUTE, day=spring)


def test_it_is_kept_as_it_came_in_pieces(channel, monkeypatch):
    monkeypatch.setattr(storing, "PIECE", 100)
    paid(channel)
    channel.write_statement(DAY)
    raw = b"".join(channel.statements[DAY])

    import_all()

    statement = Statement.objects.get()
    assert b"".join(raw_of(statement)) == raw
    assert (statement.size, StatementPart.objects.count()) == (len(raw), -(-len(raw) // 100))
    assert statement.downloaded_at == MORNING


def breaking_off(pieces):
    yield from pieces
    raise OutcomeUnknown("the line went dead")


def test_a_download_that_breaks_off_leaves_what_was_there(channel):
    paid(channel)
    channel.write_statement(DAY)
    import_all()
    before = everything()

    channel.statements[DAY] = breaking_off(channel.statements[DAY][:1])
    statement = import_again()

    assert (statement.state, statement.error) == ("compared", "the line went dead")
    assert statement.due_at is None
    Statement.objects.update(error="")
    assert everything() == before


def test_a_first_download_that_breaks_off_is_tried_again(channel):
    paid(channel)
    channel.statements[DAY] = breaking_off([b"{"])

    import_all()

    assert state() == ("waiting", "the line went dead", MORNING + 10 * MINUTE)
    assert not StatementPart.objects.exists()


def cut(lines):
    return lines[:-1]


def with_nonsense(lines):
    return [*lines[:-1], b"nonsense\n", b"end\n"]


def no_text(lines):
    return [b"\xff", *lines]


def with_every(old, new):
    return lambda lines: [line.replace(old, new) for line in lines]


BROKEN = {
    "cut": (cut, "the statement was cut"),
    "nonsense": (with_nonsense, "a line can't be read"),
    "no text": (no_text, "the channel's code broke: UnicodeDecodeError"),
    "negative amount": (with_every(b"1250", b"-1"), "violates check"),
    "endless amount": (with_every(b"1250", b"9" * 30), "out of range"),
    "no account": (with_every(b"our-account", b""), "violates check"),
    "NUL": (with_every(b'"C1"', b'"\\u0000"'), "0x00"),
    "half a character": (with_every(b'"C1"', b'"\\ud800"'), "surrogates not allowed"),
}


@pytest.mark.parametrize(("spoil", "why"), BROKEN.values(), ids=BROKEN)
def test_a_broken_statement_changes_nothing_and_is_kept_raw(channel, spoil, why):
    unnoticed = paid_unnoticed(channel)
    channel.write_statement(DAY, a_line())
    fine = channel.statements[DAY]
    kept = {"Statement": [], "StatementPart": []}
    before = everything() | kept

    channel.statements[DAY] = spoil(fine)
    import_all()

    told, error, due_at = state()
    assert (told, due_at) == ("unreadable", MORNING + 10 * MINUTE)
    assert why in error
    assert everything() | kept == before
    assert b"".join(raw_of(Statement.objects.get())) == b"".join(channel.statements[DAY])

    channel.statements[DAY] = fine
    import_all(due_at)
    unnoticed.refresh_from_db()
    assert (state(), unnoticed.status) == (("compared", "", None), Status.SUCCEEDED)


def test_an_unreadable_statement_is_missing_for_the_reason_that_it_shows(channel):
    paid(channel)
    channel.statements[DAY] = [b"{}\n"]

    import_all(MORNING + 6 * AN_HOUR)

    assert alerts() == [MISSING]
    assert state()[0] == "unreadable"


def test_a_day_with_none_of_the_expected_lines_is_an_alert_until_they_come(channel):
    paid(channel)
    channel.statements[DAY] = [b"end\n"]
    import_all()
    assert alerts() == [("statement_empty", f"fake {DAY}")]

    channel.write_statement(DAY)
    import_again()

    assert alerts() == []


def test_an_empty_statement_of_an_empty_day_is_none(channel):
    paid(channel)
    channel.statements[DAY + A_DAY] = [b"end\n"]

    import_again(MORNING + A_DAY, day=DAY + A_DAY)

    assert (alerts(), differences()) == ([], [])


@pytest.mark.parametrize("point", ["statement.stored", "statement.compared"])
def test_killed_between_two_steps_the_next_run_completes(channel, point):
    unnoticed, missing = paid_unnoticed(channel), paid(channel)
    channel.write_statement(DAY, without=missing.payment_no)

    def die(at):
        if at == point:
            raise Killed

    with acting(die), pytest.raises(Killed):
        import_all()
    assert import_all() == 0  # the lease of the dead
    assert import_all(MORNING + importing.LEASE) == 1

    unnoticed.refresh_from_db()
    assert (unnoticed.status, state()) == (Status.SUCCEEDED, ("compared", "", None))
    assert [each[0::4] for each in differences()] == [
        ("missing_here", "settled from the statement"),
        ("missing_there", ""),
    ]
    assert channel.calls["statement"] == 1


def test_two_workers_at_once_import_once(channel):
    for _ in range(3):
        paid_unnoticed(channel)
    channel.write_statement(DAY)

    assert sorted(at_once(import_all, import_all, import_all)) == [0, 0, 1]

    assert channel.calls["statement"] == 1
    assert Evidence.objects.filter(source="statement").count() == 3


def test_a_worker_and_two_operators_at_once_do_no_harm(channel):
    for _ in range(3):
        paid_unnoticed(channel)
    missing = paid(channel)
    channel.write_statement(DAY, without=missing.payment_no)

    at_once(import_all, import_again, import_again)

    assert Payment.objects.filter(status=Status.SUCCEEDED, version=3).count() == 4
    assert len(differences()) == 4
    assert state() == ("compared", "", None)


def test_a_channel_whose_code_breaks_holds_up_no_other(channel, other_channel):
    paid(channel)
    paid(other_channel)
    channel.script("statement", ZeroDivisionError("oops"))
    other_channel.write_statement(DAY)

    assert import_all() == 1

    assert state() == ("waiting", "ZeroDivisionError('oops')", MORNING + 10 * MINUTE)


def test_a_channel_that_can_not_be_built_is_an_alert_and_holds_up_no_other(
    channel, other_channel, settings
):
    paid(other_channel)
    paid(channel)
    import_all(MORNING + 6 * AN_HOUR)
    other_channel.write_statement(DAY)
    settings.NODROP_CHANNELS = settings.NODROP_CHANNELS | {"fake": {"CLASS": "no.such.Channel"}}

    assert import_all(MORNING + 9 * AN_HOUR) == 1

    assert alerts() == [("statement_missing", "fake"), MISSING]


def test_a_statement_of_a_retired_channel_waits(channel, other_channel, settings):
    paid(other_channel)
    import_all()
    settings.NODROP_CHANNELS = {"fake": settings.NODROP_CHANNELS["fake"]}

    assert import_all(MORNING + 9 * AN_HOUR) == 0

    assert alerts() == []
    with pytest.raises(LookupError, match="configured: fake"):
        statements.import_now(channel="other", day=DAY, now=MORNING, actor="Ada")


def test_a_day_that_is_not_over_is_refused(channel):
    with pytest.raises(statements.DayNotOver):
        import_again(NOON)

    assert not Statement.objects.exists()


@pytest.mark.parametrize("bad", [[b"<html>"], [b"end"], []], ids=["rubbish", "empty", "nothing"])
def test_a_good_statement_is_never_given_up_for_a_bad_one(channel, bad):
    paid(channel)
    channel.write_statement(DAY)
    import_all(MORNING)
    good = b"".join(raw_of(Statement.objects.get()))

    channel.statements[DAY] = bad
    again = statements.import_now(channel="fake", day=DAY, now=MORNING + AN_HOUR, actor="olivia")

    assert b"".join(raw_of(again)) == good
    assert (again.state, again.due_at, "is kept" in again.error) == ("compared", None, True)
    assert differences() == []


@pytest.mark.parametrize("currency", ["cny", "CNYX"])
def test_one_line_that_makes_no_sense_hides_no_other(channel, currency):
    odd, good = a_payment(started=NOON), paid_unnoticed(channel)
    line = a_line(payment_no=odd.payment_no, capture_no="C9", currency=currency)
    channel.write_statement(DAY, line)

    import_all(MORNING)

    good.refresh_from_db()
    odd.refresh_from_db()
    assert (good.status, odd.status) == (Status.SUCCEEDED, Status.PAYING)
    assert Evidence.objects.filter(verdict="failed").count() == 1


def test_those_who_compare_a_statement_at_once_never_wait_for_each_other(channel, monkeypatch):
    """One has its lines settled and comes to write the end, while another begins."""
    paid_unnoticed(channel)
    channel.write_statement(DAY)
    import_all(MORNING)
    statement, locked = Statement.objects.get(), []
    lock = comparing._lock
    monkeypatch.setattr(comparing, "_lock", lambda row: (locked.append("statement"), lock(row)))
    resolve = comparing.resolve_settled
    monkeypatch.setattr(
        comparing, "resolve_settled", lambda about: (locked.append("differences"), resolve(about))
    )

    comparing.compare(statement=statement, channel=channel, now=MORNING + AN_HOUR)

    assert locked == ["statement", "statement", "differences"]
