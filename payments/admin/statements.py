"""Statements: what the channels say of each day, and whether it agrees with our rows."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.views.decorators.http import require_POST
from unfold.decorators import action

from common.admin import badge, exact_time, nowrap, until
from common.admin_forms import dress, typed
from payments.admin.base import STATEMENT_COLOURS, PaymentSideAdmin
from payments.admin.differences import told
from payments.admin.filters import ChannelFilter, StatementWaitingFilter
from payments.channels.registry import UnknownChannel, get_channel, get_label
from payments.models import Difference, Statement
from payments.services.statements import DayNotOver, NoStatements, import_now
from payments.services.statements.days import channels_with_statements
from payments.services.statements.storing import raw_of
from payments.states import StatementState

MOST = 200  # differences shown on a statement's page
_REFUSED = (DayNotOver, NoStatements, UnknownChannel)


class ImportForm(forms.Form):
    """Which statement to get."""

    channel = forms.ChoiceField()
    day = forms.DateField(
        widget=typed("date"),
        help_text="A day of the channel's own time zone, and one that is over there.",
        error_messages={"invalid": "Write the day like 2026-01-31."},
    )

    def __init__(self, data: object = None) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        channels = [(each.name, get_label(each.name)) for each in channels_with_statements()]
        self.fields["channel"].choices = channels  # type: ignore[attr-defined]
        dress(self)


@admin.register(Statement)
class StatementAdmin(PaymentSideAdmin):
    page_template = "payments/admin/statement.html"
    list_display = (
        "channel_label",
        "of_day",
        "standing",
        "line_count",
        "matched_count",
        "differences_open",
        "try_count",
        "next_try",
        "trouble",
    )
    list_display_links = ("channel_label", "of_day")
    list_filter = (StatementWaitingFilter, "state", ChannelFilter)
    actions_list = ("import_a_day",)

    def find(self, number: str) -> Statement | None:
        """By `channel 2026-01-31`, as alerts name it."""
        channel, _, text = number.rpartition(" ")
        try:
            day = dt.date.fromisoformat(text)
        except ValueError:
            return None
        return Statement.objects.filter(channel=channel, day=day).first()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Statement]:
        rows: QuerySet[Statement] = super().get_queryset(request)
        of_each = Difference.objects.filter(statement=OuterRef("pk"), resolved_at=None)
        count = of_each.order_by().values("statement").annotate(count=Count("pk")).values("count")
        return rows.annotate(unresolved=Coalesce(Subquery(count), 0))

    @admin.display(description="Channel")
    def channel_label(self, statement: Statement) -> str:
        return nowrap(get_label(statement.channel))

    @admin.display(description="Day")
    def of_day(self, statement: Statement) -> str:
        return nowrap(f"{statement.day:%Y-%m-%d}")

    @badge("State", STATEMENT_COLOURS)
    def standing(self, statement: Statement) -> tuple[str, str]:
        return statement.state, StatementState(statement.state).label

    @admin.display(description="Lines")
    def line_count(self, statement: Statement) -> str:
        return f"{statement.lines:,}"

    @admin.display(description="Matched")
    def matched_count(self, statement: Statement) -> str:
        return f"{statement.matched:,}"

    @badge("Differences open", {"open": "danger"})
    def differences_open(self, statement: Any) -> tuple[str, str] | str:
        return ("open", str(statement.unresolved)) if statement.unresolved else "0"

    @admin.display(description="Tries")
    def try_count(self, statement: Statement) -> int:
        return statement.tries

    @admin.display(description="Next try")
    def next_try(self, statement: Statement) -> str:
        return nowrap(until(statement.due_at, timezone.now()))

    @admin.display(description="Last error")
    def trouble(self, statement: Statement) -> str:
        return statement.error[:80] or "—"

    def get_urls(self) -> list[URLPattern]:
        own = [
            self.own_path("import-now", require_POST(self.import_now_view)),
            self.own_path("raw", self.raw_view),
        ]
        return own + super().get_urls()  # type: ignore[no-any-return]

    @action(description="Import…", url_path="import", permissions=["operate"])
    def import_a_day(self, request: HttpRequest) -> HttpResponse:
        """The form for any channel and day."""
        form = ImportForm(request.POST if request.method == "POST" else None)
        if form.is_bound and form.is_valid():
            statement = self._import(request, form, **form.cleaned_data)
            if statement:
                return HttpResponseRedirect(self.url_of(statement.pk))
        return self.form_page(
            request,
            form,
            title="Import a statement",
            submit="Import",
            intro="It is downloaded from the channel and compared at once. "
            "What was there of that day before is compared anew: nothing is counted twice.",
        )

    def import_now_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        self._require_operator(request)
        statement = get_object_or_404(Statement, pk=pk)
        self._import(request, None, channel=statement.channel, day=statement.day)
        return HttpResponseRedirect(self.url_of(pk))

    def _import(
        self, request: HttpRequest, form: ImportForm | None, *, channel: str, day: dt.date
    ) -> Statement | None:
        actor = request.user.get_username()
        try:
            statement = import_now(channel=channel, day=day, now=timezone.now(), actor=actor)
        except _REFUSED as error:
            if form:
                form.add_error(None, str(error))
            else:
                self.message_user(request, str(error), messages.ERROR)
            return None
        is_compared = statement.state == StatementState.COMPARED and not statement.error
        outcome = f"{statement.matched:,} of {statement.lines:,} lines agree with our rows."
        text = outcome if is_compared else f"Not imported: {statement.error}"
        self.log_change(request, statement, f"Imported: {text}" if is_compared else text)
        level = messages.SUCCESS if is_compared else messages.WARNING
        self.message_user(request, f"{statement}: {text}", level)
        return statement

    def raw_view(self, request: HttpRequest, pk: int) -> StreamingHttpResponse:
        """The statement as the channel sent it."""
        self._require_operator(request)
        statement = get_object_or_404(Statement, pk=pk, downloaded_at__isnull=False)
        self.log_change(request, statement, "Downloaded the raw file.")
        name = f"{statement.channel}-{statement.day:%Y-%m-%d}.statement"
        return StreamingHttpResponse(
            raw_of(statement),
            content_type="application/octet-stream",
            headers={
                "Content-Disposition": f'attachment; filename="{name}"',
                "Content-Length": str(statement.size),
            },
        )

    def _require_operator(self, request: HttpRequest) -> None:
        if not self.has_operate_permission(request):
            raise PermissionDenied

    def page(self, request: HttpRequest, row: Statement, now: dt.datetime) -> dict[str, Any]:
        state = StatementState(row.state)
        differences = row.differences.order_by(F("resolved_at").desc(nulls_first=True), "pk")
        listed = reverse("admin:payments_difference_changelist")
        return {
            "statement": row,
            "title": f"{get_label(row.channel)}, {row.day:%Y-%m-%d}",
            "label": state.label,
            "colour": STATEMENT_COLOURS[state],
            "unresolved": row.unresolved,  # type: ignore[attr-defined]
            "next_try": until(row.due_at, now),
            "facts": [(name, value) for name, value in _facts(row) if value],
            "differences": [told(each) for each in differences[:MOST]],
            "all_differences": f"{listed}?statement__id__exact={row.pk}",
            "may_operate": self.has_operate_permission(request),
        }


def _facts(row: Statement) -> Iterator[tuple[str, str]]:
    yield "Channel", get_label(row.channel)
    yield "Time zone", _zone_of(row.channel)
    yield "Downloaded", exact_time(row.downloaded_at)
    yield "Compared", exact_time(row.compared_at)
    yield "Size", f"{row.size:,} bytes" if row.downloaded_at else ""
    yield "SHA-256", row.digest
    yield "Last error", row.error


def _zone_of(channel: str) -> str:
    try:
        return get_channel(channel).capabilities.statement_timezone
    except UnknownChannel:
        return ""
