"""The beat schedule in the admin's looks, and the dashboard as its first page."""

import json
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django_celery_beat import admin as beat
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

ARGUMENTS_HELP = (
    'As JSON. The sweep takes how far back it looks, in hours: {"hours": 2160} is 90 days. '
    "Payments that are overdue and older than that are only warned about."
)
QUEUES = sorted({route["queue"] for route in settings.CELERY_TASK_ROUTES.values()})
QUEUE_HELP = f"{', '.join(QUEUES[:-1])} or {QUEUES[-1]}: nothing reads another queue."

admin.site.index_title = "Dashboard"
admin.site.index_template = "workers/admin/dashboard.html"
for _model in (PeriodicTask, IntervalSchedule, CrontabSchedule, SolarSchedule, ClockedSchedule):
    admin.site.unregister(_model)


class TaskSelect(UnfoldAdminSelectWidget, beat.TaskSelectWidget):
    """The registered tasks, in the admin's looks."""


class PeriodicTaskForm(beat.PeriodicTaskForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["task"].widget = UnfoldAdminTextInputWidget()
        self.fields["regtask"].widget = TaskSelect()
        self.initial["regtask"] = self.instance.task
        self.fields["description"].widget = UnfoldAdminTextareaWidget(attrs={"rows": 2})
        self.fields["kwargs"].widget = UnfoldAdminTextareaWidget(attrs={"rows": 2})
        self.fields["kwargs"].help_text = ARGUMENTS_HELP
        self.fields["queue"].help_text = QUEUE_HELP

    def clean(self) -> dict[str, Any]:
        """A name that was typed is what was meant, not the one that the list showed before."""
        if "task" in self.changed_data and "regtask" not in self.changed_data:
            self.cleaned_data["regtask"] = ""
        return super().clean()  # type: ignore[no-any-return]

    def clean_kwargs(self) -> str:
        """Refuse what the sweep could not use."""
        text: str = self.cleaned_data["kwargs"]
        try:
            values = json.loads(text or "{}")
        except ValueError:
            raise ValidationError("Enter JSON, such as {}.") from None
        if not isinstance(values, dict):
            raise ValidationError('Enter a JSON object, such as {"hours": 2160}.')
        if "sync_payment_result" in str(self.data.get("regtask") or self.data.get("task")):
            hours = values.get("hours")
            number = isinstance(hours, int | float) and not isinstance(hours, bool)
            if set(values) != {"hours"} or not number or not 0 < float(hours or 0) < 1e6:
                raise ValidationError('Enter {"hours": …}, a number above 0 and below 1000000.')
        return text


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(beat.PeriodicTaskAdmin, ModelAdmin):
    """An edit is taken up by beat within a few seconds, without a restart."""

    form = PeriodicTaskForm
    date_hierarchy = None
    list_display = ("name", "is_on", "every", "kwargs", "queue", "last_run_at")
    list_filter = ("enabled",)
    fieldsets = (
        (None, {"fields": ("name", "regtask", "enabled", "description")}),
        ("When", {"fields": ("interval", "crontab", "start_time", "last_run_at", "one_off")}),
        ("Arguments and queue", {"fields": ("kwargs", "queue", "expire_seconds")}),
        (
            "Seldom needed",
            {
                "fields": (
                    "task",
                    "args",
                    "solar",
                    "clocked",
                    "expires",
                    "priority",
                    "exchange",
                    "routing_key",
                    "headers",
                ),
                "classes": ("collapse",),
            },
        ),
    )
    readonly_fields = ("last_run_at",)

    @display(description="State", label={"on": "success", "off": "danger"})
    def is_on(self, task: PeriodicTask) -> tuple[str, str]:
        return ("on", "On") if task.enabled else ("off", "Off")

    @admin.display(description="When")
    def every(self, task: PeriodicTask) -> str:
        return str(task.schedule_str if hasattr(task, "schedule_str") else task.scheduler)


class TasksOfSchedule(TabularInline):
    """Which tasks an edit of this schedule would change."""

    model = PeriodicTask
    fields = ("name", "task", "kwargs")
    readonly_fields = fields
    can_delete = False
    extra = 0
    show_change_link = True
    verbose_name_plural = "Tasks on this schedule"

    def has_add_permission(self, request: HttpRequest, obj: Any) -> bool:
        return False


@admin.register(IntervalSchedule)
class IntervalScheduleAdmin(ModelAdmin):
    inlines = (TasksOfSchedule,)


@admin.register(CrontabSchedule)
class CrontabScheduleAdmin(beat.CrontabScheduleAdmin, ModelAdmin):
    inlines = (TasksOfSchedule,)


@admin.register(ClockedSchedule)
class ClockedScheduleAdmin(ModelAdmin):
    inlines = (TasksOfSchedule,)


@admin.register(SolarSchedule)
class SolarScheduleAdmin(ModelAdmin):
    inlines = (TasksOfSchedule,)
