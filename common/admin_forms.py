"""The forms of the admin's actions, in its looks."""

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.widgets import INPUT_CLASSES, SELECT_CLASSES

from common.admin import ReadOnlyAdmin

LONGEST_REASON = 200


class ReasonForm(forms.Form):
    """What was done, and why: kept with the row."""

    reason = forms.CharField(
        max_length=LONGEST_REASON,
        help_text="What was done about it, and why it is right so. It is kept.",
        error_messages={"required": "Say what was done about it, and why it is right so."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        dress(self)


def ask_reason(
    page: ReadOnlyAdmin, request: HttpRequest, rows: QuerySet[Any], *, title: str, action: str
) -> str | HttpResponse:
    """The reason for resolving the selected rows, or else the page that asks for it."""
    asked = "asked" in request.POST
    form = ReasonForm(request.POST if asked else None)
    if asked and form.is_valid():
        return str(form.cleaned_data["reason"])
    return page.form_page(
        request, form, title=title, submit="Resolve", selected=rows, action=action
    )


def dress(form: forms.Form) -> None:
    """Give the fields the admin's looks."""
    for field in form.fields.values():
        look = SELECT_CLASSES if isinstance(field.widget, forms.Select) else INPUT_CLASSES
        if not field.widget.is_hidden:
            field.widget.attrs["class"] = " ".join(look)


def typed(kind: str, **attrs: str) -> forms.TextInput:
    """A line of text of an HTML type that the browser helps with: `date`, `url` …"""
    widget = forms.TextInput(attrs=attrs)
    widget.input_type = kind
    return widget
