"""Differences: what a statement and our rows don't agree about, until somebody resolves it."""

import datetime as dt
import re
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern
from django.utils import timezone

from common.admin import age_of, badge, exact_time, nowrap, number_link, page_link
from common.admin_forms import ReasonForm, ask_reason
from common.money import format_money
from payments.admin.base import DIFFERENCE_COLOURS, PaymentSideAdmin
from payments.admin.filters import DifferenceChannelFilter, OpenDifferenceFilter
from payments.admin.search import HELP, differences_numbered
from payments.channels.registry import get_label
from payments.models import Difference
from payments.services.statements import DifferenceResolved, resolve_difference
from payments.states import DifferenceKind

_MONEY = re.compile(r"\b([0-9]+) ([A-Z]{3})\b")


@admin.register(Difference)
class DifferenceAdmin(PaymentSideAdmin):
    page_template = "payments/admin/difference.html"
    list_display = (
        "age",
        "what",
        "about",
        "our_side",
        "their_side",
        "of_statement",
        "standing",
    )
    list_display_links = ("age", "what")
    list_filter = (OpenDifferenceFilter, "kind", DifferenceChannelFilter)
    list_select_related = ("statement",)
    search_fields = ("payment_no",)  # shows the box; `get_search_results` looks further
    search_help_text = HELP
    actions = ("resolve_selected",)

    @admin.display(description="Age")
    def age(self, difference: Difference) -> str:
        return nowrap(age_of(difference.found_at))

    @badge("Kind", DIFFERENCE_COLOURS)
    def what(self, difference: Difference) -> tuple[str, str]:
        return difference.kind, DifferenceKind(difference.kind).label

    @admin.display(description="Payment or refund")
    def about(self, difference: Difference) -> str:
        if difference.refund_no:
            text, is_ours, page = difference.refund_no, _refund_is_ours, "payments_refund"
        else:
            text, is_ours, page = difference.payment_no, _payment_is_ours, "payments_payment"
        return number_link(page, text) if is_ours(difference) else nowrap(text)

    @admin.display(description="Ours")
    def our_side(self, difference: Difference) -> str:
        return nowrap(readable(difference.ours) or "—")

    @admin.display(description="Statement's")
    def their_side(self, difference: Difference) -> str:
        return nowrap(readable(difference.theirs) or "—")

    @admin.display(description="Statement")
    def of_statement(self, difference: Difference) -> str:
        statement = difference.statement
        text = f"{statement.channel} {statement.day:%Y-%m-%d}"
        return page_link("payments_statement", statement.pk, text)

    @badge("State", {"open": "danger", "resolved": "success"})
    def standing(self, difference: Difference) -> tuple[str, str]:
        return ("resolved", "Resolved") if difference.resolved_at else ("open", "Open")

    def get_ordering(self, request: HttpRequest) -> list[str]:
        """What is open is read from the oldest on."""
        return ["found_at", "id"] if request.GET.get("state") == "open" else ["-id"]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Difference], search_term: str
    ) -> tuple[QuerySet[Difference], bool]:
        if search_term:
            queryset = queryset.filter(differences_numbered(search_term))
        return queryset, False

    @admin.action(description="Resolve…", permissions=["operate"])
    def resolve_selected(
        self, request: HttpRequest, queryset: QuerySet[Difference]
    ) -> HttpResponse | None:
        """The same reason for all that are selected."""
        reason = ask_reason(
            self, request, queryset, title="Resolve differences", action="resolve_selected"
        )
        if isinstance(reason, HttpResponse):
            return reason
        for difference in queryset:
            self._resolve(request, difference, reason)
        return None

    def get_urls(self) -> list[URLPattern]:
        own = [self.own_path("resolve", self.resolve_view)]
        return own + super().get_urls()  # type: ignore[no-any-return]

    def resolve_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not self.has_operate_permission(request):
            raise PermissionDenied
        difference = get_object_or_404(Difference.objects.select_related("statement"), pk=pk)
        form = ReasonForm(request.POST if request.method == "POST" else None)
        if form.is_bound and form.is_valid():
            self._resolve(request, difference, form.cleaned_data["reason"])
            return HttpResponseRedirect(self.url_of(pk))
        return self.form_page(
            request,
            form,
            title="Resolve a difference",
            submit="Resolve",
            row=difference,
            facts=_facts(difference),
        )

    def _resolve(self, request: HttpRequest, difference: Difference, reason: str) -> None:
        actor = request.user.get_username()
        try:
            fresh = resolve_difference(
                difference_id=difference.pk, reason=reason, actor=actor, now=timezone.now()
            )
        except DifferenceResolved as error:
            self.message_user(request, f"{difference}: {error}", messages.WARNING)
            return
        self.log_change(request, fresh, f"Resolved: {fresh.resolution}")
        self.message_user(request, f"{difference}: resolved.", messages.SUCCESS)

    def page(self, request: HttpRequest, row: Difference, now: dt.datetime) -> dict[str, Any]:
        return {
            **told(row),
            "title": DifferenceKind(row.kind).label,
            "statement": row.statement,
            "channel_label": get_label(row.statement.channel),
            "age": age_of(row.found_at),
            "facts": _facts(row),
            "may_operate": self.has_operate_permission(request),
        }


def told(difference: Difference) -> dict[str, Any]:
    """A difference with what a page shows of it."""
    kind = DifferenceKind(difference.kind)
    return {
        "difference": difference,
        "ours": readable(difference.ours),
        "theirs": readable(difference.theirs),
        "label": kind.label,
        "colour": DIFFERENCE_COLOURS[kind],
        "payment_is_ours": _payment_is_ours(difference),
        "refund_is_ours": _refund_is_ours(difference),
    }


def readable(side: str) -> str:
    """What one side says, with amounts as people read them: rows keep minor units."""
    return _MONEY.sub(lambda found: format_money(int(found[1]), found[2]), side)


def _payment_is_ours(difference: Difference) -> bool:
    return bool(difference.payment_no) and difference.kind != DifferenceKind.UNKNOWN_NUMBER


def _refund_is_ours(difference: Difference) -> bool:
    """Of a refund that is missing here there is no page."""
    strange = (DifferenceKind.UNKNOWN_NUMBER, DifferenceKind.MISSING_HERE)
    return bool(difference.refund_no) and difference.kind not in strange


def _facts(difference: Difference) -> list[tuple[str, str]]:
    facts = [
        ("Kind", DifferenceKind(difference.kind).label),
        ("Our rows say", readable(difference.ours) or "nothing"),
        ("The statement says", readable(difference.theirs) or "nothing"),
        ("Payment as it is written there", difference.payment_no),
        ("Refund as it is written there", difference.refund_no),
        ("Capture", difference.capture_no),
        ("Found", exact_time(difference.found_at)),
        ("Resolved", exact_time(difference.resolved_at)),
        ("Resolved by", (difference.resolved_by or "Nodrop") if difference.resolved_at else ""),
        ("Resolution", difference.resolution),
    ]
    return [(name, value) for name, value in facts if value]
