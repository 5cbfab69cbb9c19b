"""What the payment side's admin pages have in common: rows are read there, never edited."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.contrib.admin import ShowFacets
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from unfold.admin import ModelAdmin
from unfold.paginator import InfinitePaginator

from payments.states import Status, Verdict
from payments.timeline import describe_span

Column = TypeVar("Column", bound=Callable[..., Any])
LONGEST_KEY = 15  # digits
STATUS_COLOURS = {
    Status.CREATED: "info",
    Status.PAYING: "warning",
    Status.SUCCEEDED: "success",
    Status.FAILED: "danger",
    Status.CANCELLED: "default",
    Status.CLOSED: "default",
    Status.MISPAID: "danger",
}
VERDICT_COLOURS = {
    Verdict.PENDING: "info",
    Verdict.APPLIED: "success",
    Verdict.REPEATED: "default",
    Verdict.INCONCLUSIVE: "default",
    Verdict.CONTRADICTS: "danger",
    Verdict.ORPHAN: "danger",
    Verdict.FAILED: "danger",
}


class ReadOnlyAdmin(ModelAdmin):
    """Lists and pages without a way to add, change or delete; no count over the whole table."""

    paginator = InfinitePaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    list_disable_select_all = True
    list_fullwidth = True
    list_filter_sheet = False  # beside the list where there is room
    list_per_page = 50
    sortable_by = ()

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("payments.operate_payment")

    def page_context(self, request: HttpRequest, obj: Model) -> dict[str, Any]:
        """What a page of our own needs to look like the others."""
        request.current_app = self.admin_site.name
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": obj,
            "title": str(obj),
            "may_operate": self.has_operate_permission(request),
        }


def badge(description: str, colours: Mapping[Any, str]) -> Callable[[Column], Column]:
    """A column of coloured badges; its values are `(key of colours, text)`."""

    def decorate(column: Column) -> Column:
        column.short_description = description  # type: ignore[attr-defined]
        column.label = colours  # type: ignore[attr-defined]
        return column

    return decorate


def age_of(at: dt.datetime | None) -> str:
    """How long ago, for a column."""
    return _roughly(timezone.now() - at) if at else "—"


def until(at: dt.datetime | None, now: dt.datetime) -> str:
    """A due time as seen from now: `in 12 s`, `overdue 3 s`, `—`."""
    if at is None:
        return "—"
    return f"in {_roughly(at - now)}" if at >= now else f"overdue {_roughly(now - at)}"


def _roughly(span: dt.timedelta) -> str:
    """The largest unit alone: `5 h`."""
    return " ".join(describe_span(span).split()[:2])


def exact_time(at: dt.datetime) -> str:
    """UTC, to the second: what is compared with logs and with the channel's own pages."""
    return at.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S")


def nowrap(text: str, look: str = "nd-nowrap") -> str:
    """A cell that stays on one line."""
    return format_html('<span class="{}">{}</span>', look, text)


def number_link(page: str, number: str) -> str:
    """A link to the admin page (`app_model`) that answers to a public number."""
    if not number:
        return "—"
    url = reverse(f"admin:{page}_change", args=[number])
    return format_html('<a class="nd-no" href="{}">{}</a>', url, number)


def is_number(object_id: str) -> bool:
    """Whether a page's address names a row by its public number, not by its key."""
    return not object_id.isdigit() or len(object_id) > LONGEST_KEY
