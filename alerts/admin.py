"""Alerts: what a person has to look at, and what was done about it."""

import datetime as dt
import re
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import urlencode

from alerts.models import Alert
from alerts.services import AlreadyResolved, resolve_alert
from common.admin import ReadOnlyAdmin, age_of, badge, exact_time, nowrap, spellings
from common.admin_forms import ReasonForm, ask_reason

# Whose page answers to a number, by what it begins with; the pages belong to apps above this one.
PAGES = {"P": "payments_payment", "R": "payments_refund", "N": "orders_order"}
LISTS = {"msg_": "orders_notification"}
_NUMBER = re.compile(r"(P|R|N|msg_)[0-9A-Z]{20}")
_CHANNELS_DAY = re.compile(r".+ [0-9]{4}-[0-9]{2}-[0-9]{2}")
SHORT = 120  # characters of the detail, in the list


class OpenFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "Open"), ("resolved", "Resolved")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Alert]) -> QuerySet[Alert]:
        if self.value() is None:
            return queryset
        return queryset.filter(resolved_at__isnull=self.value() == "open")


class KindFilter(admin.SimpleListFilter):
    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The kinds that are open, and the one that is asked for."""
        kinds = set(Alert.objects.filter(resolved_at=None).values_list("kind", flat=True))
        asked = request.GET.get("kind")
        return [(kind, spoken(kind)) for kind in sorted(kinds | {asked} if asked else kinds)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Alert]) -> QuerySet[Alert]:
        return queryset.filter(kind=self.value()) if self.value() else queryset


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    page_template = "alerts/admin/alert.html"
    list_display = ("what", "about", "short_detail", "since", "last_seen", "times", "standing")
    list_display_links = ("what",)
    list_filter = (OpenFilter, KindFilter)
    search_fields = ("subject",)  # shows the box; `get_search_results` is exact
    search_help_text = "The number that an alert is about: payment, refund, order …"
    actions = ("resolve_selected",)

    def has_resolve_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("alerts.resolve_alert")

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        """The open ones first, the newest of them on top."""
        if request.GET.get("state"):
            return ["-id"]
        return [F("resolved_at").desc(nulls_first=True), "-id"]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Alert], search_term: str
    ) -> tuple[QuerySet[Alert], bool]:
        if search_term:
            queryset = queryset.filter(subject__in=[*spellings(search_term), search_term.strip()])
        return queryset, False

    @admin.display(description="Kind")
    def what(self, alert: Alert) -> str:
        return nowrap(spoken(alert.kind))

    @admin.display(description="About")
    def about(self, alert: Alert) -> str:
        url = page_about(alert)
        if not url:
            return alert.subject or "—"
        return format_html('<a class="nd-no" href="{}">{}</a>', url, alert.subject)

    @admin.display(description="Detail")
    def short_detail(self, alert: Alert) -> str:
        text = alert.detail
        return (f"{text[:SHORT]}…" if len(text) > SHORT else text) or "—"

    @admin.display(description="Since")
    def since(self, alert: Alert) -> str:
        return nowrap(age_of(alert.raised_at))

    @admin.display(description="Last seen")
    def last_seen(self, alert: Alert) -> str:
        return nowrap(f"{age_of(alert.seen_at)} ago")

    @badge("State", {"open": "danger", "resolved": "success"})
    def standing(self, alert: Alert) -> tuple[str, str]:
        return ("resolved", "Resolved") if alert.resolved_at else ("open", "Open")

    @admin.action(description="Resolve…", permissions=["resolve"])
    def resolve_selected(
        self, request: HttpRequest, queryset: QuerySet[Alert]
    ) -> HttpResponse | None:
        """The same reason for all that are selected."""
        reason = ask_reason(
            self, request, queryset, title="Resolve alerts", action="resolve_selected"
        )
        if isinstance(reason, HttpResponse):
            return reason
        for alert in queryset:
            self._resolve(request, alert, reason)
        return None

    def get_urls(self) -> list[URLPattern]:
        own = [self.own_path("resolve", self.resolve_view)]
        return own + super().get_urls()  # type: ignore[no-any-return]

    def resolve_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not self.has_resolve_permission(request):
            raise PermissionDenied
        alert = get_object_or_404(Alert, pk=pk)
        form = ReasonForm(request.POST if request.method == "POST" else None)
        if form.is_bound and form.is_valid():
            self._resolve(request, alert, form.cleaned_data["reason"])
            return HttpResponseRedirect(self.url_of(pk))
        return self.form_page(
            request,
            form,
            title=f"Resolve: {spoken(alert.kind)}",
            submit="Resolve",
            row=alert,
            facts=facts(alert),
            intro="Should it be found to be so again, a new alert is raised.",
        )

    def _resolve(self, request: HttpRequest, alert: Alert, reason: str) -> None:
        actor = request.user.get_username()
        try:
            fresh = resolve_alert(alert_id=alert.pk, reason=reason, actor=actor, now=timezone.now())
        except AlreadyResolved as error:
            self.message_user(request, f"{alert}: {error}", messages.WARNING)
            return
        self.log_change(request, fresh, f"Resolved: {fresh.resolution}")
        self.message_user(request, f"{alert}: resolved.", messages.SUCCESS)

    def page(self, request: HttpRequest, row: Alert, now: dt.datetime) -> dict[str, Any]:
        return {
            "alert": row,
            "title": spoken(row.kind),
            "subject_url": page_about(row),
            "since": age_of(row.raised_at),
            "last_seen": age_of(row.seen_at),
            "facts": facts(row),
            "may_resolve": self.has_resolve_permission(request),
        }


def spoken(kind: str) -> str:
    """A kind for people: `Refund failed`."""
    return kind.replace("_", " ").capitalize()


def page_about(alert: Alert) -> str:
    """The address of the page that the subject has; empty if it has none."""
    found = _NUMBER.fullmatch(alert.subject)
    if alert.kind == "orphan" and alert.subject:  # the number of a stranger: only evidence has it
        return _searched("payments_evidence", alert.subject)
    if found and (page := PAGES.get(found[1])):
        return reverse(f"admin:{page}_change", args=[alert.subject])
    if found:
        return _searched(LISTS[found[1]], alert.subject)
    if _CHANNELS_DAY.fullmatch(alert.subject):
        return reverse("admin:payments_statement_change", args=[alert.subject])
    return ""


def _searched(page: str, number: str) -> str:
    return f"{reverse(f'admin:{page}_changelist')}?{urlencode({'q': number})}"


def facts(alert: Alert) -> list[tuple[str, str]]:
    """What is known of an alert."""
    found = [
        ("Kind", f"alert.{alert.kind}, as the runbook names it"),
        ("About", alert.subject),
        ("Detail", alert.detail),
        ("Raised", exact_time(alert.raised_at)),
        ("Last seen", exact_time(alert.seen_at)),
        ("Times", str(alert.times)),
        ("Resolved", exact_time(alert.resolved_at)),
        ("Resolved by", (alert.resolved_by or "Nodrop") if alert.resolved_at else ""),
        ("Resolution", alert.resolution),
    ]
    return [(name, value) for name, value in found if value]
