"""Names and queues fit together, and what ops edited stays."""

import pytest
from celery import current_app
from django.conf import settings
from django.core.management import call_command
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from common.wake import AHEAD, EXPIRES
from payments import wake
from workers import schedule

NAMES = sorted(
    {
        *wake.TASK_NAMES,
        *settings.CELERY_TASK_ROUTES,
        *(entry.task for entry in schedule.ENTRIES),
    }
)


@pytest.mark.parametrize("name", NAMES)
def test_every_task_that_is_named_is_registered_and_has_a_queue_that_is_read(name):
    current_app.loader.import_default_modules()

    assert name in current_app.tasks
    route = current_app.amqp.router.route({}, name)["queue"]
    assert route.name in {queue.name for queue in settings.CELERY_TASK_QUEUES}
    assert {"queue": route.name} == settings.CELERY_TASK_ROUTES[name]


def test_every_task_of_ours_is_routed():
    current_app.loader.import_default_modules()

    ours = {name for name in current_app.tasks if name.startswith(("workers.", "shop."))}
    assert ours == set(settings.CELERY_TASK_ROUTES)


def test_no_wake_up_is_longer_than_half_the_visibility_timeout():
    visibility = settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]

    assert visibility > AHEAD + EXPIRES
    assert visibility / 2 >= AHEAD


def beat_entries():
    names = ("name", "task", "interval__every", "queue", "expire_seconds", "kwargs", "enabled")
    return list(PeriodicTask.objects.exclude(task__startswith="celery.").values_list(*names))


@pytest.mark.django_db
def test_sync_beat_declares_each_entry_once_however_often_it_runs(capsys):
    for _ in range(3):
        call_command("sync_beat")

    declared = [(entry.name, entry.task, entry.every) for entry in schedule.ENTRIES]
    assert sorted(row[:3] for row in beat_entries()) == sorted(declared)
    assert "none, all are there" in capsys.readouterr().out


@pytest.mark.django_db
def test_sync_beat_leaves_what_ops_edited_alone():
    call_command("sync_beat")
    interval = IntervalSchedule.objects.create(every=7, period=IntervalSchedule.MINUTES)
    PeriodicTask.objects.filter(task="workers.sync_payment_result").update(
        name="Ours", interval=interval, kwargs='{"hours": 48}', enabled=False, queue="consults"
    )
    edited = beat_entries()

    call_command("sync_beat")

    assert beat_entries() == edited
