"""The consult schedule: a pure function of the payment's age."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.consult import in_slow_lane, next_consult_at

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
SCHEDULE = (10, 30, 60, 180, 300, 600, 1800)
HOUR, DAY = 3600, 86400


def next_step(age, *, schedule=SCHEDULE, jitter=0.0):
    now = START + dt.timedelta(seconds=age)
    due = next_consult_at(started_at=START, now=now, schedule=schedule, jitter=jitter)
    return (due - START).total_seconds()


@pytest.mark.parametrize(
    ("age", "step"),
    [
        (0, 10),
        (9, 10),
        (10, 30),
        (10.4, 30),
        (29, 30),
        (30, 60),
        (60, 180),
        (180, 300),
        (300, 600),
        (600, 1800),
        (1800, HOUR),
        (HOUR, 6 * HOUR),
        (6 * HOUR, 24 * HOUR),
        (DAY, 2 * DAY),
        (2 * DAY, 3 * DAY),
        (100 * DAY + 5, 101 * DAY),
    ],
)
def test_each_age_has_its_next_step(age, step):
    assert next_step(age) == step


def test_steps_missed_while_no_worker_ran_do_not_pile_up():
    assert next_step(250) == 300


def test_a_consult_just_before_a_step_is_followed_by_the_next_but_one():
    assert next_step(9.5) == 30


def test_a_schedule_longer_than_an_hour_skips_the_slow_steps_it_covers():
    assert next_step(7200, schedule=(10, 7200)) == 6 * HOUR


def test_jitter_delays_by_a_tenth_of_the_wait_at_most():
    assert next_step(600, jitter=1.0) == pytest.approx(600 + 1200 * 1.1)


@pytest.mark.parametrize(("age", "slow"), [(0, False), (1799, False), (1800, True), (DAY, True)])
def test_the_slow_lane_begins_when_the_fast_steps_are_used_up(age, slow):
    now = START + dt.timedelta(seconds=age)

    assert in_slow_lane(started_at=START, now=now, schedule=SCHEDULE) is slow


@given(age=st.floats(0, 400 * DAY), jitter=st.floats(0, 1))
def test_the_next_consult_always_comes_within_little_more_than_a_day(age, jitter):
    wait = next_step(age, jitter=jitter) - age

    assert 0.99 <= wait <= 1.1 * DAY + 1
