"""Orders: what was ordered, what was tried, and what became of the money."""

import datetime as dt
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from common.admin import ReadOnlyAdmin, age_of, badge, exact_time, nowrap, number, spellings
from common.money import format_money
from orders.admin.colours import ORDER_COLOURS
from orders.admin.filters import ClosingFilter, OwedBackFilter
from orders.admin.order_page import order_page
from orders.models import Attempt, LedgerEntry, Order
from orders.states import OrderStatus


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    """Read only: an order changes through its services alone."""

    number_field = "order_no"
    page_template = "orders/admin/order.html"
    list_display = ("order_number", "state", "money", "age", "email", "paid", "expires")
    list_filter = ("status", OwedBackFilter, ClosingFilter)
    search_fields = ("order_no",)  # shows the box; `get_search_results` looks further
    search_help_text = "Any number: order, payment, refund …"

    @admin.display(description="Order")
    def order_number(self, order: Order) -> str:
        return number(order.order_no)

    @badge("Status", ORDER_COLOURS)
    def state(self, order: Order) -> tuple[str, str]:
        return order.status, OrderStatus(order.status).label

    @admin.display(description="Total")
    def money(self, order: Order) -> str:
        return nowrap(format_money(order.total, order.currency))

    @admin.display(description="Age")
    def age(self, order: Order) -> str:
        return nowrap(age_of(order.created_at))

    @admin.display(description="Paid (UTC)")
    def paid(self, order: Order) -> str:
        return nowrap(exact_time(order.paid_at) or "—")

    @admin.display(description="Expires (UTC)")
    def expires(self, order: Order) -> str:
        return nowrap(exact_time(order.expires_at) or "—")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Order], search_term: str
    ) -> tuple[QuerySet[Order], bool]:
        if search_term:
            queryset = queryset.filter(orders_numbered(search_term))
        return queryset, False

    def page(self, request: HttpRequest, row: Order, now: dt.datetime) -> dict[str, Any]:
        return order_page(row, now)


def orders_numbered(term: str) -> Q:
    """The orders that a number belongs to; each has an index, but for the shopper's own key."""
    numbers = spellings(term)
    attempts = Attempt.objects.filter(payment_no__in=numbers).values_list("order", flat=True)
    refunds = LedgerEntry.objects.filter(refund_no__in=numbers).exclude(refund_no="")
    found = Q(order_no__in=numbers) | Q(
        pk__in={*attempts, *refunds.values_list("order", flat=True)}
    )
    if not Order.objects.filter(found).exists():
        found = Q(idempotency_key=term.strip())
    return found
