"""The tasks: registered, routed, harmless, and alive after a lost connection."""

import contextlib
import json

import psycopg2
import pytest
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.utils import InterfaceError
from django_celery_beat.models import PeriodicTask

from config.celery import app
from config.run import VARIABLES, command
from payments.models import Heartbeat
from payments.wake import TASK_NAMES
from workers import schedule, tasks

QUEUES = {queue.name for queue in settings.CELERY_TASK_QUEUES}


def test_every_name_that_is_used_is_a_task_with_a_queue_that_exists():
    used = {*TASK_NAMES, *(entry.task for entry in schedule.ENTRIES)}

    assert used <= set(app.tasks)
    assert used == set(settings.CELERY_TASK_ROUTES)
    assert {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()} == QUEUES


def test_wake_ups_sweeps_and_relay_have_queues_of_their_own():
    queue_of = {name: route["queue"] for name, route in settings.CELERY_TASK_ROUTES.items()}

    assert queue_of["workers.consult_due"] == "consults"
    assert queue_of["workers.sync_payment_result"] == "sweeps"
    assert queue_of["workers.relay_due"] == "relay"


def test_a_worker_serves_every_queue_unless_it_is_told_otherwise():
    assert set(VARIABLES["NODROP_WORKER_QUEUES"].split(",")) == QUEUES
    assert "--queues relay" in " ".join(command("worker", {"NODROP_WORKER_QUEUES": "relay"}))


@pytest.mark.django_db
@pytest.mark.parametrize("entry", schedule.ENTRIES, ids=lambda entry: entry.task)
def test_every_beat_task_takes_its_arguments_and_those_of_a_later_release(entry):
    task = app.tasks[entry.task]

    assert task.apply(kwargs=entry.kwargs | {"from_the_future": 1}).state == "SUCCESS"


@pytest.mark.django_db
def test_the_entries_are_created_once_and_ops_edits_stay():
    schedule.sync()
    sweep = PeriodicTask.objects.get(task="workers.sync_payment_result")
    sweep.kwargs, sweep.enabled, sweep.name = json.dumps({"hours": 6}), False, "Our sweep"
    sweep.save()

    assert schedule.sync() == []

    sweep.refresh_from_db()
    assert (sweep.kwargs, sweep.enabled, sweep.name) == ('{"hours": 6}', False, "Our sweep")
    assert PeriodicTask.objects.exclude(task__startswith="celery.").count() == len(schedule.ENTRIES)


@pytest.mark.django_db
def test_a_beat_entry_expires_with_its_period_so_that_none_pile_up():
    schedule.sync()

    for entry in PeriodicTask.objects.filter(task__startswith="workers."):
        assert entry.expire_seconds == entry.interval.every


@pytest.mark.django_db(transaction=True)
def test_a_task_works_again_after_its_connection_was_cut():
    cut_own_connection()
    with contextlib.suppress(DatabaseError, InterfaceError):
        Heartbeat.objects.count()

    assert tasks.beat_heartbeat.apply().state == "SUCCESS"
    assert Heartbeat.objects.filter(name="beat").exists()


def cut_own_connection():
    connection.ensure_connection()
    pid = connection.connection.info.backend_pid
    with contextlib.closing(psycopg2.connect(connection.connection.dsn)) as other:
        other.cursor().execute("select pg_terminate_backend(%s, 5000)", [pid])
