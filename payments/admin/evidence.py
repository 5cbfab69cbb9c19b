"""Evidence: everything that channels told, as it came, and what became of it."""

import datetime as dt
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern
from django.utils import timezone
from django.views.decorators.http import require_POST

from common.admin import age_of, badge, exact_time, nowrap, page_link
from payments import services
from payments.admin.base import VERDICT_COLOURS, PaymentSideAdmin
from payments.admin.filters import ChannelFilter, LookAtFilter
from payments.admin.raw import readable_body, readable_headers
from payments.admin.search import HELP, evidence_numbered
from payments.channels.base import BadSignature, MalformedCallback
from payments.channels.registry import UnknownChannel, get_label
from payments.models import Evidence
from payments.services import CallbackNotSettled
from payments.states import Source, Verdict

_REFUSED: dict[type[Exception], str] = {
    BadSignature: "Not replayed: its signature does not verify. Has the channel's secret changed?",
    MalformedCallback: "Not replayed: it can't be read.",
    UnknownChannel: "Not replayed: its channel is not configured any more.",
    CallbackNotSettled: "Replayed, but it could still not be settled.",
}


@admin.register(Evidence)
class EvidenceAdmin(PaymentSideAdmin):
    page_template = "payments/admin/evidence.html"
    list_display = (
        "received",
        "path",
        "channel_label",
        "payment_number",
        "refund_number",
        "says",
        "outcome",
        "repeats",
        "trouble",
    )
    list_filter = (LookAtFilter, "verdict", "source", ChannelFilter)
    search_fields = ("payment_no",)  # shows the box; `get_search_results` looks further
    search_help_text = HELP
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Evidence]:
        rows: QuerySet[Evidence] = super().get_queryset(request)
        return rows.select_related("payment", "refund").defer("body", "headers")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Evidence], search_term: str
    ) -> tuple[QuerySet[Evidence], bool]:
        if search_term:
            queryset = queryset.filter(evidence_numbered(search_term))
        return queryset, False

    @admin.display(description="Received (UTC)")
    def received(self, evidence: Evidence) -> str:
        return nowrap(exact_time(evidence.received_at))

    @admin.display(description="Says")
    def says(self, evidence: Evidence) -> str:
        return nowrap(evidence.claim.replace("_", " ") or "—")

    @admin.display(description="Path")
    def path(self, evidence: Evidence) -> str:
        return Source(evidence.source).label

    @admin.display(description="Channel")
    def channel_label(self, evidence: Evidence) -> str:
        return nowrap(get_label(evidence.channel))

    @admin.display(description="Payment")
    def payment_number(self, evidence: Evidence) -> str:
        if evidence.payment is None:
            return evidence.payment_no or "—"
        return page_link("payments_payment", evidence.payment_id, evidence.payment.payment_no)

    @admin.display(description="Refund")
    def refund_number(self, evidence: Evidence) -> str:
        if evidence.refund is None:
            return evidence.refund_no or "—"
        return page_link("payments_refund", evidence.refund_id, evidence.refund.refund_no)

    @badge("Verdict", VERDICT_COLOURS)
    def outcome(self, evidence: Evidence) -> tuple[str, str]:
        return evidence.verdict, Verdict(evidence.verdict).label

    @admin.display(description="Times")
    def repeats(self, evidence: Evidence) -> int:
        return evidence.times_received

    @admin.display(description="Error")
    def trouble(self, evidence: Evidence) -> str:
        return evidence.error[:80] or "—"

    def get_urls(self) -> list[URLPattern]:
        own = [self.own_path("replay", require_POST(self.replay_view))]
        return own + super().get_urls()  # type: ignore[no-any-return]

    def replay_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not self.has_operate_permission(request):
            raise PermissionDenied
        evidence = get_object_or_404(Evidence.objects.defer("body"), pk=pk, source=Source.CALLBACK)
        text, level = self._replay(request, evidence)
        self.log_change(request, evidence, text)
        self.message_user(request, text, level)
        return HttpResponseRedirect(self.url_of(pk))

    def _replay(self, request: HttpRequest, evidence: Evidence) -> tuple[str, int]:
        was = Verdict(evidence.verdict).label
        try:
            fresh = services.replay_callback(
                evidence_id=evidence.pk, now=timezone.now(), actor=request.user.get_username()
            )
        except (BadSignature, MalformedCallback, UnknownChannel, CallbackNotSettled) as error:
            cause = error.__cause__ or error
            return f"{_REFUSED[type(error)]} ({cause})", messages.ERROR
        verdict = Verdict(fresh.verdict)
        bad = verdict in (Verdict.ORPHAN, Verdict.CONTRADICTS, Verdict.FAILED)
        level = messages.WARNING if bad else messages.SUCCESS
        return f"Replayed the callback: {was} → {verdict.label}.", level

    def page(self, request: HttpRequest, row: Evidence, now: dt.datetime) -> dict[str, Any]:
        return {**_page(row), "may_operate": self.has_operate_permission(request)}


def _page(evidence: Evidence) -> dict[str, Any]:
    verdict, body = Verdict(evidence.verdict), bytes(evidence.body)
    facts = (
        ("Number as the channel wrote it", evidence.payment_no),
        ("Refund as the channel wrote it", evidence.refund_no),
        ("Event id", evidence.event_id or ""),
        ("Says", evidence.claim),
        ("Received", f"{exact_time(evidence.received_at)} ({age_of(evidence.received_at)} ago)"),
        ("Times received", str(evidence.times_received)),
        ("Operator", evidence.actor),
        ("Error", evidence.error),
    )
    return {
        "evidence": evidence,
        "title": f"{Source(evidence.source).label} of {get_label(evidence.channel)}",
        "source": Source(evidence.source).label,
        "channel_label": get_label(evidence.channel),
        "label": verdict.label,
        "colour": VERDICT_COLOURS[verdict],
        "facts": [(name, value) for name, value in facts if value],
        "headers": readable_headers(evidence.headers),
        "size": len(body),
        "body": readable_body(body),
        "is_callback": evidence.source == Source.CALLBACK,
    }
