"""What the admin's pages have in common: rows are read there, and change by named actions alone."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from django import forms
from django.contrib.admin import ShowFacets
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from unfold.admin import ModelAdmin
from unfold.paginator import InfinitePaginator

from common.spans import roughly

Column = TypeVar("Column", bound=Callable[..., Any])
View = Callable[..., HttpResponseBase]
LONGEST_KEY = 15  # digits; what is longer is a public number


class ReadOnlyAdmin(ModelAdmin):
    """Lists and pages without a way to add, change or delete; no count over the whole table.

    `page_template` is the template of one row's page, `page` gives its values, and `number_field`
    names the public number that the page's address takes besides the key.
    """

    paginator = InfinitePaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    list_disable_select_all = True
    list_fullwidth = True
    list_filter_sheet = False  # beside the list where there is room
    list_per_page = 50
    sortable_by = ()

    number_field = ""
    page_template = ""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def page(self, request: HttpRequest, row: Any, now: dt.datetime) -> dict[str, Any]:
        """What the page of one row shows."""
        raise NotImplementedError

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponseBase:
        """A page of our own; the address takes the public number too."""
        if is_number(object_id) and (found := self.find(object_id.replace("\0", ""))):
            return HttpResponseRedirect(self.url_of(found.pk))
        row = self.get_object(request, object_id)
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        if row is None:
            return self._get_obj_does_not_exist_redirect(  # type: ignore[no-any-return]
                request, self.opts, object_id
            )
        return self.render_page(request, row)

    def find(self, number: str) -> Model | None:
        """The row that a public number belongs to."""
        if not self.number_field:
            return None
        found: Model | None = self.model.objects.filter(**{self.number_field: number}).first()
        return found

    def render_page(self, request: HttpRequest, row: Any, **more: Any) -> HttpResponse:
        """The page of one row; `more` values override what `page` gives."""
        values = self.page(request, row, timezone.now())
        context = {**self.page_context(request, row), **values, **more}
        return TemplateResponse(request, self.page_template, context)

    def page_context(self, request: HttpRequest, row: Model | None) -> dict[str, Any]:
        """What a page of our own needs to look like the others."""
        request.current_app = self.admin_site.name
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": row,
            "title": str(row) if row else "",
        }

    def url_of(self, key: object, page: str = "change") -> str:
        """The address of a row's page."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_{page}"
        return reverse(f"admin:{name}", args=[key])

    def own_path(self, name: str, view: View, *, of_row: bool = True) -> URLPattern:
        """A page of our own at `<pk>/<name>/`, or at `<name>/` of the list."""
        place = f"<int:pk>/{name}/" if of_row else f"{name}/"
        full_name = f"{self.opts.app_label}_{self.opts.model_name}_{name}"
        pattern: URLPattern = path(place, self.admin_site.admin_view(view), name=full_name)
        return pattern

    def form_page(
        self,
        request: HttpRequest,
        form: forms.Form,
        *,
        title: str,
        submit: str,
        row: Model | None = None,
        intro: str = "",
        facts: Iterable[tuple[str, str]] = (),
        selected: Iterable[Model] = (),
        action: str = "",
        back: str = "",
    ) -> TemplateResponse:
        """A page with one form. With `selected` rows it asks on behalf of an `action` of the list.

        It is sent back to the address that it came from.
        """
        listed = f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"
        context = {
            **self.page_context(request, row),
            "title": title,
            "form": form,
            "button": submit,
            "intro": intro,
            "facts": facts,
            "selected": selected,
            "action": action,
            "checkbox": ACTION_CHECKBOX_NAME,
            "back": back or (self.url_of(row.pk) if row else reverse(listed)),
        }
        return TemplateResponse(request, "config/admin/form.html", context)


def badge(description: str, colours: Mapping[Any, str]) -> Callable[[Column], Column]:
    """A column of coloured badges; its values are `(key of colours, text)`."""

    def decorate(column: Column) -> Column:
        column.short_description = description  # type: ignore[attr-defined]
        column.label = colours  # type: ignore[attr-defined]
        return column

    return decorate


def age_of(at: dt.datetime | None) -> str:
    """How long ago, for a column."""
    return roughly(timezone.now() - at) if at else "—"


def until(at: dt.datetime | None, now: dt.datetime) -> str:
    """A due time as seen from now: `in 12 s`, `overdue 3 s`, `—`."""
    if at is None:
        return "—"
    return f"in {roughly(at - now)}" if at >= now else f"overdue {roughly(now - at)}"


def exact_time(at: dt.datetime | None) -> str:
    """UTC, to the second: what is compared with logs and with the channel's own pages."""
    return at.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S") if at else ""


def nowrap(text: str, look: str = "nd-nowrap") -> str:
    """A cell that stays on one line."""
    return format_html('<span class="{}">{}</span>', look, text)


def number(text: str) -> str:
    """A public number."""
    return nowrap(text, "nd-no")


def number_link(page: str, number: str) -> str:
    """A link to the admin page (`app_model`) that answers to a public number."""
    return page_link(page, number, number)


def page_link(page: str, key: object, text: str) -> str:
    """A link to the admin page (`app_model`) of a row."""
    if not text:
        return "—"
    url = reverse(f"admin:{page}_change", args=[key])
    return format_html('<a class="nd-no" href="{}">{}</a>', url, text)


def is_number(object_id: str) -> bool:
    """Whether a page's address names a row by its public number, not by its key."""
    return not object_id.isdigit() or len(object_id) > LONGEST_KEY


def spellings(term: str) -> list[str]:
    """A number as it was typed, and in capitals, as our own numbers are."""
    return sorted({term.strip(), term.strip().upper()})
