"""The Celery application. Its settings are in `config.settings`, each with its reason."""

import os

from celery import Celery
from celery.signals import task_postrun, task_prerun, worker_init
from django.db import close_old_connections, connection
from django_structlog.celery.steps import DjangoStructLogInitStep

from common.kill_points import reach

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("nodrop")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["workers", "shop"])
app.steps["worker"].add(DjangoStructLogInitStep)


@worker_init.connect  # type: ignore[untyped-decorator]
def wait_for_the_broker(**_kwargs: object) -> None:
    """A worker may wait for Redis; a request may not (see CELERY_BROKER_TRANSPORT_OPTIONS)."""
    app.conf.broker_transport_options |= {"socket_timeout": 30, "socket_connect_timeout": 5}


@task_prerun.connect  # type: ignore[untyped-decorator]
def drop_broken_connections(**_kwargs: object) -> None:
    """As Django does before a request: with CELERY_DB_REUSE_MAX, Celery would keep a broken one."""
    if not connection.in_atomic_block:  # an eager task is part of its caller's transaction
        close_old_connections()


@task_postrun.connect  # type: ignore[untyped-decorator]
def reach_the_end(**_kwargs: object) -> None:
    reach("task.done")
