"""Payments: the list, and the page of one with its timeline."""

import datetime as dt
import time
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern
from django.utils import timezone
from django.views.decorators.http import require_POST

from common.admin import age_of, badge, nowrap, number, number_link, until
from common.money import format_money
from payments import services
from payments.admin.base import STATUS_COLOURS, PaymentSideAdmin
from payments.admin.filters import AgeFilter, ChannelFilter, WaitingFilter
from payments.admin.payment_page import payment_page
from payments.admin.refund_form import refund_a_payment
from payments.admin.search import HELP, payments_numbered
from payments.channels.registry import get_label
from payments.figures import OVERDUE
from payments.models import Evidence, Payment
from payments.states import Source, Status

MOST_AT_ONCE = 20  # payments of one bulk query, and the seconds it may take: a person waits


@admin.register(Payment)
class PaymentAdmin(PaymentSideAdmin):
    number_field = "payment_no"
    page_template = "payments/admin/payment.html"
    list_display = (
        "number",
        "order",
        "channel_label",
        "money",
        "state",
        "age",
        "next_consult",
        "consult_count",
        "slow_lane",
    )
    list_filter = ("status", WaitingFilter, ChannelFilter, AgeFilter)
    search_fields = ("payment_no",)  # shows the box; `get_search_results` looks further
    search_help_text = HELP
    actions = ("query_selected",)

    @admin.display(description="Payment")
    def number(self, payment: Payment) -> str:
        return number(payment.payment_no)

    @admin.display(description="Order")
    def order(self, payment: Payment) -> str:
        return number_link("orders_order", payment.order_no)

    @admin.display(description="Channel")
    def channel_label(self, payment: Payment) -> str:
        return nowrap(get_label(payment.channel))

    @admin.display(description="Amount")
    def money(self, payment: Payment) -> str:
        return nowrap(format_money(payment.amount, payment.currency))

    @badge("Status", STATUS_COLOURS)
    def state(self, payment: Payment) -> tuple[str, str]:
        return payment.status, Status(payment.status).label

    @admin.display(description="Age")
    def age(self, payment: Payment) -> str:
        return nowrap(age_of(payment.created_at))

    @admin.display(description="Next consult")
    def next_consult(self, payment: Payment) -> str:
        now, due_at = timezone.now(), payment.consult_due_at
        late = due_at is not None and due_at < now - OVERDUE
        return nowrap(until(due_at, now), "nd-late" if late else "nd-nowrap")

    @admin.display(description="Consults")
    def consult_count(self, payment: Payment) -> int:
        return payment.consults

    @admin.display(description="In slow lane for")
    def slow_lane(self, payment: Payment) -> str:
        return nowrap(age_of(payment.slow_lane_at))

    def get_ordering(self, request: HttpRequest) -> list[str]:
        """What is overdue is read from the most overdue on."""
        return ["consult_due_at"] if request.GET.get("waiting") == "overdue" else ["-id"]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Payment], search_term: str
    ) -> tuple[QuerySet[Payment], bool]:
        if search_term:
            queryset = queryset.filter(payments_numbered(search_term))
        return queryset, False

    @admin.action(description="Query the channel now", permissions=["operate"])
    def query_selected(self, request: HttpRequest, queryset: QuerySet[Payment]) -> None:
        """Ask about each of the selected; what there is no time for is said, never dropped."""
        selected = list(queryset[: MOST_AT_ONCE + 1])
        if len(selected) > MOST_AT_ONCE:
            self.message_user(
                request,
                f"Select {MOST_AT_ONCE} payments at most: nothing was asked.",
                messages.ERROR,
            )
            return
        end = time.monotonic() + MOST_AT_ONCE
        for payment in selected:
            if time.monotonic() > end:
                self.message_user(
                    request, f"{payment}: not asked, the channel is slow.", messages.WARNING
                )
            else:
                self._query(request, payment)

    def get_urls(self) -> list[URLPattern]:
        own = [
            self.own_path("query", require_POST(self.query_view)),
            self.own_path("refund", self.refund_view),
        ]
        return own + super().get_urls()  # type: ignore[no-any-return]

    def query_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not self.has_operate_permission(request):
            raise PermissionDenied
        self._query(request, get_object_or_404(Payment, pk=pk))
        return HttpResponseRedirect(self.url_of(pk))

    def refund_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The form that asks how much goes back, and why."""
        if not self.has_refund_permission(request):
            raise PermissionDenied
        return refund_a_payment(self, request, get_object_or_404(Payment, pk=pk))

    def _query(self, request: HttpRequest, payment: Payment) -> None:
        was = Status(payment.status)
        fresh = services.query_now(
            payment_no=payment.payment_no,
            now=timezone.now(),
            actor=request.user.get_username(),
        )
        now = Status(fresh.status)
        said = _answer(fresh)
        outcome = f"{was.label} → {now.label}" if now != was else f"still {now.label.lower()}"
        self.log_change(request, fresh, f"Queried the channel: {outcome} ({said}).")
        level = messages.SUCCESS if said.startswith("it says") else messages.WARNING
        self.message_user(request, f"{fresh}: {outcome} ({said}).", level)

    def page(self, request: HttpRequest, row: Payment, now: dt.datetime) -> dict[str, Any]:
        return {
            **payment_page(row, now),
            "may_operate": self.has_operate_permission(request),
            "may_refund": self.has_refund_permission(request) and row.refundable > 0,
        }


def _answer(payment: Payment) -> str:
    """What the channel said to the question that was just asked."""
    asked = Evidence.objects.filter(payment=payment, refund=None, source=Source.OPERATOR)
    row = asked.order_by("-pk").defer("body").first()
    if row and row.error:
        return row.error
    return f"it says “{row.claim.replace('_', ' ')}”" if row and row.claim else "no usable answer"
