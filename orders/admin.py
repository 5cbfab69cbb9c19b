"""Orders: what was ordered, what was tried, and what became of the money."""

from collections import defaultdict
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.timesince import timesince
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.paginator import InfinitePaginator

from common.money import format_money
from orders.models import Attempt, LedgerEntry, Order
from orders.states import AttemptStatus, Entry, OrderStatus

COLOURS = {
    OrderStatus.UNPAID: "default",
    OrderStatus.PAYING: "warning",
    OrderStatus.PAID: "success",
    OrderStatus.CANCELLED: "default",
    OrderStatus.CLOSED: "default",
    OrderStatus.REFUNDED: "info",
}
ATTEMPT_COLOURS = {
    AttemptStatus.OPEN: "warning",
    AttemptStatus.OVER: "default",
    AttemptStatus.RECEIVED: "success",
}
LONGEST_KEY = 15  # digits; what is longer is a public number


class SurplusFilter(admin.SimpleListFilter):
    title = "money"
    parameter_name = "money"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("surplus", "Surplus: owed back")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        if self.value() != "surplus":
            return queryset
        owed = LedgerEntry.objects.filter(entry=Entry.SURPLUS)
        return queryset.filter(pk__in=owed.values("order"))


@admin.register(Order)
class OrderAdmin(ModelAdmin):
    """Read only: an order changes through its services alone."""

    list_display = ("number", "state", "money", "age", "email", "paid")
    list_filter = ("status", SurplusFilter)
    search_fields = ("order_no",)  # shows the box; `get_search_results` looks further
    search_help_text = "Any number: order, payment …"
    paginator = InfinitePaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_fullwidth = True
    list_filter_sheet = False
    list_per_page = 50
    sortable_by = ()

    def has_add_permission(self, request: HttpRequest, obj: Order | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Order | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Order | None = None) -> bool:
        return False

    @admin.display(description="Order")
    def number(self, order: Order) -> str:
        return format_html('<span class="nd-no">{}</span>', order.order_no)

    @display(description="Status", label=COLOURS)
    def state(self, order: Order) -> tuple[str, str]:
        return order.status, OrderStatus(order.status).label

    @admin.display(description="Total")
    def money(self, order: Order) -> str:
        return format_money(order.total, order.currency)

    @admin.display(description="Age")
    def age(self, order: Order) -> str:
        return timesince(order.created_at, timezone.now(), depth=1)

    @admin.display(description="Paid (UTC)")
    def paid(self, order: Order) -> str:
        return f"{order.paid_at:%Y-%m-%d %H:%M:%S}" if order.paid_at else "—"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Order], search_term: str
    ) -> tuple[QuerySet[Order], bool]:
        if search_term:
            queryset = queryset.filter(_numbered(search_term))
        return queryset, False

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponseBase:
        """A page of our own; the address takes the public number too."""
        if not object_id.isdigit() or len(object_id) > LONGEST_KEY:
            found = Order.objects.filter(order_no=object_id.replace("\0", "")).first()
            if found:
                return HttpResponseRedirect(reverse("admin:orders_order_change", args=[found.pk]))
        order = self.get_object(request, object_id)
        if not self.has_view_permission(request, order):
            raise PermissionDenied
        if order is None:
            return self._get_obj_does_not_exist_redirect(  # type: ignore[no-any-return]
                request, self.opts, object_id
            )
        request.current_app = self.admin_site.name
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": order,
            "title": order.order_no,
            **_page(order),
        }
        return TemplateResponse(request, "orders/admin/order.html", context)


def _numbered(term: str) -> Q:
    """The orders that a number belongs to; each has an index, but for the shopper's own key."""
    numbers = sorted({term.strip(), term.strip().upper()})
    attempts = Attempt.objects.filter(payment_no__in=numbers).values_list("order", flat=True)
    found = Q(order_no__in=numbers) | Q(pk__in=list(attempts))
    if not Order.objects.filter(found).exists():
        found = Q(idempotency_key=term.strip())
    return found


def _page(order: Order) -> dict[str, Any]:
    """The template's values; three queries."""
    ledger = list(order.ledger.all())
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for entry in ledger:
        sums[entry.entry, entry.currency] += entry.amount
    return {
        "order": order,
        "label": OrderStatus(order.status).label,
        "colour": COLOURS[OrderStatus(order.status)],
        "money": format_money(order.total, order.currency),
        "age": timesince(order.created_at, timezone.now(), depth=2),
        "lines": [
            (
                line,
                format_money(line.unit_price, order.currency),
                format_money(line.total, order.currency),
            )
            for line in order.lines.all()
        ],
        "attempts": [
            (
                attempt,
                AttemptStatus(attempt.status).label,
                ATTEMPT_COLOURS[AttemptStatus(attempt.status)],
            )
            for attempt in order.attempts.all()
        ],
        "ledger": [
            (
                entry,
                format_money(entry.amount, entry.currency),
                Entry(entry.entry).label,
                "success" if entry.entry == Entry.APPLIED else "danger",
            )
            for entry in ledger
        ],
        "sums": [
            (Entry(kind).label, format_money(amount, currency))
            for (kind, currency), amount in sums.items()
        ],
        "has_surplus": any(entry.entry == Entry.SURPLUS for entry in ledger),
    }
