"""Refunds: the list, and the page of one with its timeline."""

import datetime as dt
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from common.admin import age_of, badge, nowrap, number, number_link, page_link, until
from common.money import format_money
from payments import services
from payments.admin.base import REFUND_COLOURS, PaymentSideAdmin
from payments.admin.filters import RefundChannelFilter, RefundWaitingFilter
from payments.admin.refund_page import refund_page
from payments.admin.search import HELP, refunds_numbered
from payments.figures import OVERDUE
from payments.models import Evidence, Refund
from payments.services import RefundError
from payments.states import RefundReason, RefundStatus, Source


@admin.register(Refund)
class RefundAdmin(PaymentSideAdmin):
    number_field = "refund_no"
    page_template = "payments/admin/refund.html"
    list_display = (
        "refund_number",
        "payment_and_order",
        "money",
        "state",
        "why",
        "age",
        "next_consult",
        "asked_by",
    )
    list_filter = (RefundWaitingFilter, "status", "reason", RefundChannelFilter)
    list_select_related = ("payment",)
    search_fields = ("refund_no",)  # shows the box; `get_search_results` looks further
    search_help_text = HELP

    @admin.display(description="Refund")
    def refund_number(self, refund: Refund) -> str:
        return number(refund.refund_no)

    @admin.display(description="Payment, order")
    def payment_and_order(self, refund: Refund) -> str:
        payment = refund.payment
        return format_html(
            "{}<br>{}",
            page_link("payments_payment", payment.pk, payment.payment_no),
            number_link("orders_order", payment.order_no),
        )

    @admin.display(description="Amount")
    def money(self, refund: Refund) -> str:
        return nowrap(format_money(refund.amount, refund.currency))

    @badge("Status", REFUND_COLOURS)
    def state(self, refund: Refund) -> tuple[str, str]:
        return refund.status, RefundStatus(refund.status).label

    @admin.display(description="Reason")
    def why(self, refund: Refund) -> str:
        return RefundReason(refund.reason).name.capitalize()

    @admin.display(description="Age")
    def age(self, refund: Refund) -> str:
        return nowrap(age_of(refund.created_at))

    @admin.display(description="Next consult")
    def next_consult(self, refund: Refund) -> str:
        now, due_at = timezone.now(), refund.consult_due_at
        late = due_at is not None and due_at < now - OVERDUE
        return nowrap(until(due_at, now), "nd-late" if late else "nd-nowrap")

    @admin.display(description="Asked by")
    def asked_by(self, refund: Refund) -> str:
        return refund.actor or "Nodrop"

    def get_ordering(self, request: HttpRequest) -> list[str]:
        """What is under way is read from the oldest on."""
        return ["id"] if request.GET.get("waiting") in ("open", "slow") else ["-id"]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Refund], search_term: str
    ) -> tuple[QuerySet[Refund], bool]:
        if search_term:
            queryset = queryset.filter(refunds_numbered(search_term))
        return queryset, False

    def get_urls(self) -> list[URLPattern]:
        own = [
            self.own_path("query", require_POST(self.query_view)),
            self.own_path("again", require_POST(self.again_view)),
        ]
        return own + super().get_urls()  # type: ignore[no-any-return]

    def query_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask the channel about a refund, whatever its status."""
        if not self.has_operate_permission(request):
            raise PermissionDenied
        refund = get_object_or_404(Refund, pk=pk)
        was = RefundStatus(refund.status)
        fresh = services.query_refund_now(
            refund_no=refund.refund_no, now=timezone.now(), actor=request.user.get_username()
        )
        now, said = RefundStatus(fresh.status), _answer(fresh)
        outcome = f"{was.label} → {now.label}" if now != was else f"still {now.label.lower()}"
        self.log_change(request, fresh, f"Queried the channel: {outcome} ({said}).")
        level = messages.SUCCESS if said.startswith("it says") else messages.WARNING
        self.message_user(request, f"{fresh}: {outcome} ({said}).", level)
        return HttpResponseRedirect(self.url_of(pk))

    def again_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for a new refund of the same amount and reason."""
        if not self.has_refund_permission(request):
            raise PermissionDenied
        failed, now = get_object_or_404(Refund, pk=pk), timezone.now()
        try:
            fresh = services.refund_again(
                refund_no=failed.refund_no, now=now, actor=request.user.get_username()
            )
        except RefundError as error:
            self.message_user(request, str(error), messages.ERROR)
            return HttpResponseRedirect(self.url_of(pk))
        if fresh.created_at == now:
            self.log_change(request, failed, f"Refunded again by {fresh.refund_no}.")
            text = f"{fresh.refund_no} asks for the money of {failed.refund_no} again."
        else:
            text = f"{failed.refund_no} was asked for again by this refund already."
        self.message_user(request, text, messages.SUCCESS)
        return HttpResponseRedirect(self.url_of(fresh.pk))

    def page(self, request: HttpRequest, row: Refund, now: dt.datetime) -> dict[str, Any]:
        is_failed = row.status == RefundStatus.FAILED
        return {
            **refund_page(row, now),
            "may_operate": self.has_operate_permission(request),
            "may_refund_again": is_failed and self.has_refund_permission(request),
        }


def _answer(refund: Refund) -> str:
    """What the channel said to the question that was just asked."""
    asked = Evidence.objects.filter(refund=refund, source=Source.OPERATOR)
    row = asked.order_by("-pk").defer("body").first()
    if row and row.error:
        return row.error
    return f"it says “{row.claim.replace('_', ' ')}”" if row and row.claim else "no usable answer"
