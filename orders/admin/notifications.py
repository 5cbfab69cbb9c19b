"""Notifications: what the systems that fulfil orders were told, and what they answered."""

import datetime as dt
import json
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

from common.admin import (
    ReadOnlyAdmin,
    age_of,
    badge,
    exact_time,
    nowrap,
    number,
    page_link,
    spellings,
    until,
)
from orders.admin.colours import NOTIFICATION_COLOURS
from orders.admin.filters import TypeFilter
from orders.deliveries import resend
from orders.models import Notification, Order
from orders.states import NotificationState

MOST_TRIES = 100  # shown


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin):
    page_template = "orders/admin/notification.html"
    list_display = (
        "message",
        "order_and_type",
        "told",
        "standing",
        "try_count",
        "next_try",
        "age",
    )
    list_display_links = ("message",)
    list_filter = ("state", TypeFilter, "endpoint")
    list_select_related = ("order", "endpoint")
    search_fields = ("message_id",)  # shows the box; `get_search_results` is exact
    search_help_text = "Number of an order, or id of a message"
    actions = ("send_again",)

    def has_resend_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("orders.resend_notification")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Notification]:
        rows: QuerySet[Notification] = super().get_queryset(request)
        return rows.defer("body", "endpoint__secret", "endpoint__former_secret")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Notification], search_term: str
    ) -> tuple[QuerySet[Notification], bool]:
        if not search_term:
            return queryset, False
        orders = Order.objects.filter(order_no__in=spellings(search_term))
        of_order = queryset.filter(order__in=list(orders.values_list("pk", flat=True)))
        return of_order | queryset.filter(message_id=search_term.strip()), False

    @admin.display(description="Message")
    def message(self, notification: Notification) -> str:
        return number(notification.message_id)

    @admin.display(description="Order, type")
    def order_and_type(self, notification: Notification) -> str:
        order = notification.order
        link = page_link("orders_order", order.pk, order.order_no)
        return format_html("{}<br>{}", link, notification.type)

    @admin.display(description="Endpoint")
    def told(self, notification: Notification) -> str:
        return notification.endpoint.name

    @badge("State", NOTIFICATION_COLOURS)
    def standing(self, notification: Notification) -> tuple[str, str]:
        return notification.state, NotificationState(notification.state).label

    @admin.display(description="Tries")
    def try_count(self, notification: Notification) -> int:
        return notification.tries

    @admin.display(description="Next try")
    def next_try(self, notification: Notification) -> str:
        return nowrap(until(notification.due_at, timezone.now()))

    @admin.display(description="Age")
    def age(self, notification: Notification) -> str:
        return nowrap(age_of(notification.created_at))

    @admin.action(description="Send again", permissions=["resend"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Notification]) -> None:
        """Each with all of its tries; the receiver knows repeats by their ids."""
        for notification in queryset.order_by("pk"):
            self._resend(request, notification)

    def get_urls(self) -> list[URLPattern]:
        own = [self.own_path("resend", require_POST(self.resend_view))]
        return own + super().get_urls()  # type: ignore[no-any-return]

    def resend_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not self.has_resend_permission(request):
            raise PermissionDenied
        rows = Notification.objects.select_related("endpoint")
        self._resend(request, get_object_or_404(rows, pk=pk))
        return HttpResponseRedirect(self.url_of(pk))

    def _resend(self, request: HttpRequest, notification: Notification) -> None:
        resend(notification_id=notification.pk, now=timezone.now())
        self.log_change(request, notification, "Asked that it be sent again.")
        endpoint = notification.endpoint
        when = "now" if endpoint.active else f"as soon as {endpoint.name} is switched on"
        self.message_user(request, f"{notification}: sent again {when}.", messages.SUCCESS)

    def page(self, request: HttpRequest, row: Notification, now: dt.datetime) -> dict[str, Any]:
        state = NotificationState(row.state)
        tries = row.delivery_tries.order_by("-pk")[:MOST_TRIES]
        return {
            "notification": row,
            "title": row.message_id,
            "order": row.order,
            "endpoint": row.endpoint,
            "label": state.label,
            "colour": NOTIFICATION_COLOURS[state],
            "next_try": until(row.due_at, now),
            "age": age_of(row.created_at),
            "written": exact_time(row.created_at),
            "delivered": exact_time(row.delivered_at),
            "body": _indented(row.body),
            "tries": [
                (exact_time(each.at), f"{each.seconds:.1f} s", each.answer) for each in tries
            ],
            "may_resend": self.has_resend_permission(request),
        }


def _indented(body: str) -> str:
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        return body
