"""Differences wait for a person, who says what was done; old ones call for one."""

import pytest

from payments.models import Difference
from payments.services import statements
from payments.services.statements import alarms
from tests.payments.statements.world import (
    A_DAY,
    AN_HOUR,
    DAY,
    MORNING,
    a_line,
    alerts,
    import_again,
    import_all,
    paid,
)

pytestmark = pytest.mark.django_db(transaction=True)
OLD = MORNING + A_DAY
ALERT = ("difference", f"fake {DAY}")


@pytest.fixture
def two_differences(channel):
    paid(channel)
    channel.write_statement(DAY, a_line(), a_line(capture_no="C2"))
    import_all()
    channel.write_statement(DAY + A_DAY)
    return list(Difference.objects.order_by("pk"))


def resolve(difference, reason="It was ours."):
    return statements.resolve_difference(
        difference_id=difference.pk, reason=reason, actor="Ada", now=OLD
    )


def test_a_person_resolves_a_difference_with_a_reason(two_differences):
    resolved = resolve(two_differences[0])

    assert (resolved.resolution, resolved.resolved_by) == ("It was ours.", "Ada")
    assert resolved.resolved_at == OLD


def test_without_a_reason_nothing_is_resolved(two_differences):
    with pytest.raises(ValueError, match="what was done"):
        resolve(two_differences[0], reason="  ")

    assert Difference.objects.filter(resolved_at=None).count() == 2


def test_a_difference_is_resolved_once(two_differences):
    resolve(two_differences[0])

    with pytest.raises(statements.DifferenceResolved):
        resolve(two_differences[0], reason="No, it was not.")

    assert Difference.objects.get(pk=two_differences[0].pk).resolution == "It was ours."


def test_what_a_person_resolved_stays_resolved_when_the_statement_is_imported_again(
    two_differences,
):
    resolve(two_differences[0])

    import_again(OLD)

    assert Difference.objects.get(resolved_at=None).pk == two_differences[1].pk


def test_differences_open_for_a_day_are_one_alert_until_the_last_is_resolved(two_differences):
    alarms.raise_alarms(channels=[], now=OLD - AN_HOUR)
    assert alerts() == []

    alarms.raise_alarms(channels=[], now=OLD)
    assert alerts() == [ALERT]
    resolve(two_differences[0])
    alarms.raise_alarms(channels=[], now=OLD)
    assert alerts() == [ALERT]
    resolve(two_differences[1])

    assert alerts() == []


def test_the_alert_goes_when_the_statement_was_corrected(channel, two_differences):
    alarms.raise_alarms(channels=[], now=OLD)
    channel.write_statement(DAY)
    import_again(OLD)

    import_all(OLD)

    assert alerts() == []
