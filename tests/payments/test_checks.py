"""A misconfigured channel stops the start, with an id and a hint."""

from dataclasses import replace

import pytest

from payments.checks import channels_are_usable
from tests.fakes import FakeChannel

FAKE = "tests.fakes.FakeChannel"


def found(settings, **channels):
    settings.NODROP_CHANNELS = channels
    return [(problem.id, problem.hint) for problem in channels_are_usable()]


def test_a_usable_channel_is_passed(settings):
    assert found(settings, fake={"CLASS": FAKE, "CONSULT_SCHEDULE": (1, 2)}) == []


def test_the_channels_that_ship_are_passed():
    assert channels_are_usable() == []


@pytest.mark.parametrize(
    ("name", "config", "problem"),
    [
        ("my-bank", {"CLASS": FAKE}, "payments.E001"),
        ("fake", {"CLASS": FAKE, "OPTION": {}}, "payments.E002"),
        ("fake", {"CLASS": "tests.fakes.NoSuchChannel"}, "payments.E003"),
        ("fake", {"CLASS": FAKE, "OPTIONS": {"colour": "red"}}, "payments.E003"),
        ("fake", {}, "payments.E003"),
        ("fake", {"CLASS": "tests.payments.test_checks.HalfAChannel"}, "payments.E004"),
        ("fake", {"CLASS": FAKE, "CONSULT_SCHEDULE": (10, 5)}, "payments.E005"),
        ("fake", {"CLASS": FAKE, "CONSULT_SCHEDULE": ()}, "payments.E005"),
        ("fake", {"CLASS": FAKE, "REFUND_SCHEDULE": (10, 5)}, "payments.E005"),
        ("fake", {"CLASS": FAKE, "QUERY_BUDGET": "many"}, "payments.E007"),
        ("fake", {"CLASS": FAKE, "QUERY_BUDGET": "0/second"}, "payments.E007"),
    ],
)
def test_each_mistake_has_its_id_and_a_hint(settings, name, config, problem):
    [(id_, hint)] = found(settings, **{name: config})

    assert (id_, bool(hint)) == (problem, True)


def test_no_channel_at_all_is_a_warning(settings):
    assert [id_ for id_, _ in found(settings)] == ["payments.W001"]


class HalfAChannel:
    """Can be asked, and nothing else."""

    merchant = "m"

    def __init__(self, *, name: str) -> None:
        self.name = name

    def query(self, *, payment_no: str, channel_no: str) -> None:
        """Nothing."""


class ElsewhereChannel(FakeChannel):
    """Its statements are of a time zone that there isn't."""

    def __init__(self, *, name: str) -> None:
        super().__init__(name=name)
        self.capabilities = replace(self.capabilities, statement_timezone="Asia/Shangai")


def test_a_time_zone_that_does_not_exist_stops_the_start(settings):
    config = {"CLASS": "tests.payments.test_checks.ElsewhereChannel"}

    assert [id_ for id_, _ in found(settings, fake=config)] == ["payments.E006"]
