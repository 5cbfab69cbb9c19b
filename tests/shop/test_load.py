"""Polling slows down under load: by what all processes together are asked."""

import pytest
import redis

from shop import load
from shop.load import MOST, Load
from tests.shop.test_status_api import path_of

START = 1_000_000_000.0  # the beginning of a window


@pytest.fixture(autouse=True)
def _hundred_a_second(settings):
    settings.POLLS_PER_SECOND = 100


@pytest.fixture
def redis_away(monkeypatch):
    monkeypatch.setattr(load, "client", lambda: redis.Redis(unix_socket_path="/nowhere"))


def crowd(processes, per_second, seconds, *, start=START):
    """So many polls a second at the usual pace, shared by the processes; the last factor of each.

    Who is told to wait longer comes less often.
    """
    return history(processes, per_second, seconds, start=start)[-1]


def history(processes, per_second, seconds, *, start=START):
    """The factors after each second."""
    factors, told = [1.0] * len(processes), []
    for second in range(seconds):
        for number, process in enumerate(processes):
            count = round(per_second / len(processes) / factors[number])
            for poll in range(count):
                now = start + second + poll / count
                factors[number] = process.slow_down(now=now)
        told.append(list(factors))
    return told


def test_few_polls_go_at_the_usual_pace():
    assert crowd([Load()], 100, 12) == [1.0]


def test_twice_the_crowd_waits_twice_as_long():
    [factor] = crowd([Load()], 200, 30)

    assert factor == pytest.approx(2, rel=0.1)


def test_slowing_down_does_not_hide_the_crowd():
    factors = [factor for [factor] in history([Load()], 200, 60)]

    assert factors[25:] == pytest.approx([2] * 35, rel=0.1)


def test_the_first_poll_after_a_quiet_hour_knows_nothing_of_the_crowd_before():
    process = Load()
    assert crowd([process], 2000, 12) == [MOST]

    assert process.slow_down(now=START + 3600) == 1


def test_nobody_waits_longer_than_four_times():
    assert crowd([Load()], 2000, 12) == [MOST]


def test_processes_that_share_a_crowd_know_of_each_other():
    factors = crowd([Load() for _ in range(4)], 240, 30)

    assert factors == pytest.approx([2.4] * 4, rel=0.15)


def test_after_the_crowd_the_pace_is_the_usual_one():
    process = Load()
    crowd([process], 300, 12)

    assert crowd([process], 10, 12, start=START + 30) == [1.0]


@pytest.mark.usefixtures("redis_away")
def test_without_redis_a_process_goes_by_its_own_count():
    factors = crowd([Load() for _ in range(2)], 400, 22)

    assert factors == pytest.approx([2] * 2, rel=0.1)


def test_redis_is_asked_once_a_second_however_many_polls_there_are(monkeypatch):
    asked = []

    def add(fresh, *, last):
        asked.append(last)
        return 0.0

    monkeypatch.setattr(load, "_add", add)

    crowd([Load()], 100, 3)

    assert 3 <= len(asked) <= 4


@pytest.mark.django_db
def test_a_client_is_told_to_poll_more_slowly_even_when_there_is_no_news(guest, monkeypatch):
    payment = guest.pay(guest.order())
    first = guest.get(path_of(payment))
    monkeypatch.setattr("shop.load.polling._demand", 3 * 100 * load.WINDOW)

    news = guest.get(path_of(payment))
    same = guest.get(path_of(payment), **{"If-None-Match": first["ETag"]})

    assert 2400 <= news.json()["poll_after_ms"] == int(news["X-Poll-After-Ms"]) <= 3600
    assert (same.status_code, same.content, news["ETag"]) == (304, b"", first["ETag"])
    assert 2400 <= int(same["X-Poll-After-Ms"]) <= 3600
