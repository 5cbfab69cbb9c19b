"""Refund events: the outbox to the order side, as that of the payments."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from common.admin import badge, exact_time, nowrap, page_link, until
from common.spans import describe_span
from payments import services
from payments.admin.base import REFUND_COLOURS, PaymentSideAdmin
from payments.admin.filters import RelayFilter
from payments.admin.search import HELP, refunds_numbered
from payments.models import Refund, RefundEvent
from payments.states import RefundStatus, Source


@admin.register(RefundEvent)
class RefundEventAdmin(PaymentSideAdmin):
    list_display = (
        "occurred",
        "refund_number",
        "move_from",
        "move_to",
        "by",
        "relayed",
        "relay_failures",
        "last_error",
    )
    list_display_links = None
    list_filter = (RelayFilter, "to_status", "source")
    list_select_related = ("refund",)
    search_fields = ("refund__refund_no",)  # shows the box; `get_search_results` looks further
    search_help_text = HELP
    actions = ("try_again_now",)

    def get_ordering(self, request: HttpRequest) -> list[str]:
        """What waits is read from the oldest on."""
        return ["relay_due_at", "id"] if request.GET.get("relay") else ["-id"]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[RefundEvent], search_term: str
    ) -> tuple[QuerySet[RefundEvent], bool]:
        if search_term:
            found = Refund.objects.filter(refunds_numbered(search_term))
            queryset = queryset.filter(refund__in=list(found.values_list("pk", flat=True)))
        return queryset, False

    @admin.action(description="Tell the order now", permissions=["operate"])
    def try_again_now(self, request: HttpRequest, queryset: QuerySet[RefundEvent]) -> None:
        """After its cause is mended, an event needn't wait for its next try."""
        events = list(queryset)
        count = services.retry_relay(
            event_ids=[event.pk for event in events], now=timezone.now(), kind=RefundEvent
        )
        for event in events:
            self.log_change(request, event, "Asked that the order be told now.")
        self.message_user(request, f"{count} of {len(events)} waited, and are being told now.")

    @admin.display(description="Occurred (UTC)")
    def occurred(self, event: RefundEvent) -> str:
        return nowrap(exact_time(event.occurred_at))

    @admin.display(description="Refund")
    def refund_number(self, event: RefundEvent) -> str:
        return page_link("payments_refund", event.refund_id, event.refund.refund_no)

    @admin.display(description="From")
    def move_from(self, event: RefundEvent) -> str:
        return RefundStatus(event.from_status).label if event.from_status else "New"

    @badge("To", REFUND_COLOURS)
    def move_to(self, event: RefundEvent) -> tuple[str, str]:
        return event.to_status, RefundStatus(event.to_status).label

    @admin.display(description="By")
    def by(self, event: RefundEvent) -> str:
        return Source(event.source).label

    @badge("Order told", {"waiting": "warning", "done": "success"})
    def relayed(self, event: RefundEvent) -> tuple[str, str]:
        if event.relayed_at:
            return "done", f"after {describe_span(event.relayed_at - event.occurred_at)}"
        return "waiting", f"next try {until(event.relay_due_at, timezone.now())}"

    @admin.display(description="Last error")
    def last_error(self, event: RefundEvent) -> str:
        return event.relay_error[:100] or "—"

    def render_page(
        self, request: HttpRequest, row: RefundEvent, **more: Any
    ) -> HttpResponseRedirect:
        """An event's page is its refund's timeline."""
        return HttpResponseRedirect(reverse("admin:payments_refund_change", args=[row.refund_id]))
