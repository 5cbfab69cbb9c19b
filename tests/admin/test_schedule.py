"""Operators change the sweep's period and how far back it looks, in the admin."""

import json

import pytest
from django.core.management import call_command
from django.urls import reverse
from django_celery_beat.models import IntervalSchedule, PeriodicTask

pytestmark = pytest.mark.django_db


@pytest.fixture
def sweep(transactional_db):
    call_command("sync_beat", verbosity=0)
    return PeriodicTask.objects.get(task="workers.sync_payment_result")


def edit(client, entry, **changes):
    """Send the form as the browser would, with `changes`."""
    url = reverse("admin:django_celery_beat_periodictask_change", args=[entry.pk])
    form = client.get(url).context["adminform"].form
    values = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    sent = {name: value for name, value in (values | changes).items() if value not in (None, False)}
    return client.post(url, sent | {"start_time_0": "", "start_time_1": ""})


def test_the_form_explains_the_hours(operator, sweep):
    url = reverse("admin:django_celery_beat_periodictask_change", args=[sweep.pk])

    html = operator.get(url).content.decode()

    assert '{"hours": 2160} is 90 days' in html
    assert "workers.sync_payment_result" in html


def test_how_far_back_the_sweep_looks_is_edited(operator, sweep):
    answer = edit(operator, sweep, kwargs='{"hours": 48}')

    sweep.refresh_from_db()
    assert answer.status_code == 302
    assert json.loads(sweep.kwargs) == {"hours": 48}


def test_the_period_of_the_sweep_is_edited(operator, sweep):
    slower = IntervalSchedule.objects.create(every=5, period=IntervalSchedule.MINUTES)

    edit(operator, sweep, interval=slower.pk)

    sweep.refresh_from_db()
    assert sweep.interval == slower


def test_a_typed_task_name_wins_over_the_list(operator, sweep):
    edit(operator, sweep, task="workers.relay_due")

    sweep.refresh_from_db()
    assert sweep.task == "workers.relay_due"


def test_arguments_that_are_no_json_are_refused(operator, sweep):
    answer = edit(operator, sweep, kwargs="hours=48")

    assert answer.status_code == 200
    assert b"Enter JSON, such as {}." in answer.content


@pytest.mark.parametrize(
    "kwargs",
    [
        *('{"hours": "abc"}', '{"hours": null}', '{"hours": NaN}', '{"hours": -5}'),
        *('{"hours": 1e12}', '{"hours": true}', '{"hour": 3}', "{}", "[1]", "3"),
    ],
)
def test_what_the_sweep_could_not_use_is_refused(operator, sweep, kwargs):
    before = sweep.kwargs

    answer = edit(operator, sweep, kwargs=kwargs)

    sweep.refresh_from_db()
    assert (answer.status_code, sweep.kwargs) == (200, before)
    assert b"hours" in answer.content


def test_the_form_names_every_queue(operator, sweep):
    url = reverse("admin:django_celery_beat_periodictask_change", args=[sweep.pk])

    html = operator.get(url).content.decode()

    text = "consults, notifications, refunds, relay, statements or sweeps: nothing reads another"
    assert text in html
