"""Payment events: the outbox to the order side. What waits here is an order that does not know."""

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from common.admin import badge, exact_time, nowrap, page_link, until
from common.spans import describe_span
from payments import services
from payments.admin.base import STATUS_COLOURS, PaymentSideAdmin
from payments.admin.filters import RelayFilter
from payments.admin.search import HELP, payments_numbered
from payments.models import Payment, PaymentEvent, RelayFailure
from payments.states import Source, Status


@admin.register(PaymentEvent)
class PaymentEventAdmin(PaymentSideAdmin):
    list_display = (
        "occurred",
        "payment_number",
        "move_from",
        "move_to",
        "by",
        "relayed",
        "relay_failures",
        "last_error",
    )
    list_display_links = None
    list_filter = (RelayFilter, "to_status", "source")
    search_fields = ("payment__payment_no",)  # shows the box; `get_search_results` looks further
    search_help_text = HELP
    actions = ("try_again_now",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[PaymentEvent]:
        rows: QuerySet[PaymentEvent] = super().get_queryset(request)
        failures = RelayFailure.objects.filter(event=OuterRef("pk")).order_by("-pk")
        return rows.select_related("payment", "capture").annotate(
            error=Subquery(failures.values("error")[:1])
        )

    def get_ordering(self, request: HttpRequest) -> list[str]:
        """What waits is read from the oldest on."""
        return ["relay_due_at", "id"] if request.GET.get("relay") else ["-id"]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[PaymentEvent], search_term: str
    ) -> tuple[QuerySet[PaymentEvent], bool]:
        if search_term:
            found = Payment.objects.filter(payments_numbered(search_term))
            queryset = queryset.filter(payment__in=list(found.values_list("pk", flat=True)))
        return queryset, False

    @admin.action(description="Tell the order now", permissions=["operate"])
    def try_again_now(self, request: HttpRequest, queryset: QuerySet[PaymentEvent]) -> None:
        """After its cause is mended, an event needn't wait for its next try."""
        events = list(queryset)
        count = services.retry_relay(event_ids=[event.pk for event in events], now=timezone.now())
        for event in events:
            self.log_change(request, event, "Asked that the order be told now.")
        self.message_user(request, f"{count} of {len(events)} waited, and are being told now.")

    @admin.display(description="Occurred (UTC)")
    def occurred(self, event: PaymentEvent) -> str:
        return nowrap(exact_time(event.occurred_at))

    @admin.display(description="Payment")
    def payment_number(self, event: PaymentEvent) -> str:
        return page_link("payments_payment", event.payment_id, event.payment.payment_no)

    @admin.display(description="From")
    def move_from(self, event: PaymentEvent) -> str:
        return Status(event.from_status).label if event.from_status else "New"

    @badge("To", STATUS_COLOURS)
    def move_to(self, event: PaymentEvent) -> tuple[str, str]:
        label = "Taken once more" if event.capture else Status(event.to_status).label
        return event.to_status, label

    @admin.display(description="By")
    def by(self, event: PaymentEvent) -> str:
        return Source(event.source).label

    @badge("Order told", {"waiting": "warning", "done": "success"})
    def relayed(self, event: PaymentEvent) -> tuple[str, str]:
        if event.relayed_at:
            return "done", f"after {describe_span(event.relayed_at - event.occurred_at)}"
        return "waiting", f"next try {until(event.relay_due_at, timezone.now())}"

    @admin.display(description="Last error")
    def last_error(self, event: PaymentEvent) -> str:
        error: str = getattr(event, "error", None) or "—"
        return error[:100]

    def render_page(
        self, request: HttpRequest, row: PaymentEvent, **more: Any
    ) -> HttpResponseRedirect:
        """An event's page is its payment's timeline."""
        return HttpResponseRedirect(reverse("admin:payments_payment_change", args=[row.payment_id]))
