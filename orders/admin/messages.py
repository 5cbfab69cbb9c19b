"""Messages: what shoppers who weren't looking were told, and what the providers answered."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from common.admin import ReadOnlyAdmin, age_of, badge, nowrap, number, page_link, spellings, until
from orders.admin.colours import MESSAGE_COLOURS
from orders.messages import send_again
from orders.models import Device, Message, Order
from orders.states import MessageKind, MessageState, Via


class ListOnlyAdmin(ReadOnlyAdmin):
    """Rows whose line in the list says all; the page of one is the list with that one."""

    list_display_links = None

    def render_page(self, request: HttpRequest, row: Any, **more: Any) -> HttpResponse:
        listed = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
        return HttpResponseRedirect(f"{listed}?q={getattr(row, self.number_field)}")


@admin.register(Message)
class MessageAdmin(ListOnlyAdmin):
    number_field = "message_no"
    list_display = (
        "message_number",
        "order_and_kind",
        "way",
        "standing",
        "tries",
        "next_try",
        "answer",
        "age",
    )
    list_filter = ("state", "via", "kind")
    list_select_related = ("order", "device")
    search_fields = ("message_no",)  # shows the box; `get_search_results` is exact
    search_help_text = "Number of a message or an order"
    actions = ("send_again",)

    def has_resend_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("orders.resend_notification")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        rows: QuerySet[Message] = super().get_queryset(request)
        return rows.defer("device__token", "device__keys")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Message], search_term: str
    ) -> tuple[QuerySet[Message], bool]:
        if not search_term:
            return queryset, False
        orders = Order.objects.filter(order_no__in=spellings(search_term))
        of_order = queryset.filter(order__in=list(orders.values_list("pk", flat=True)))
        return of_order | queryset.filter(message_no__in=spellings(search_term)), False

    @admin.display(description="Message")
    def message_number(self, message: Message) -> str:
        return number(message.message_no)

    @admin.display(description="Order, what is told")
    def order_and_kind(self, message: Message) -> str:
        order = message.order
        link = page_link("orders_order", order.pk, order.order_no)
        return format_html("{}<br>{}", link, MessageKind(message.kind).label)

    @admin.display(description="By")
    def way(self, message: Message) -> str:
        to = message.device.device_no if message.device else message.address
        return format_html("{}<br>{}", Via(message.via).label, to)

    @badge("State", MESSAGE_COLOURS)
    def standing(self, message: Message) -> tuple[str, str]:
        return message.state, MessageState(message.state).label

    @admin.display(description="Next try")
    def next_try(self, message: Message) -> str:
        return nowrap(until(message.due_at, timezone.now()))

    @admin.display(description="Age")
    def age(self, message: Message) -> str:
        return nowrap(age_of(message.created_at))

    @admin.action(description="Send again", permissions=["resend"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        """Those that have failed, with all of their tries; never what is not true any more."""
        done = 0
        for message in queryset.order_by("pk"):
            if send_again(message_id=message.pk, now=timezone.now()):
                self.log_change(request, message, "Asked that it be sent again.")
                done += 1
        level = messages.SUCCESS if done else messages.WARNING
        self.message_user(request, f"{done} of those selected had failed and are sent now.", level)


@admin.register(Device)
class DeviceAdmin(ListOnlyAdmin):
    """Whose devices there are; their tokens are never shown."""

    number_field = "device_no"
    list_display = ("device_number", "via", "holder", "language", "standing", "age")
    list_filter = ("via", ("gone_at", admin.EmptyFieldListFilter))
    list_select_related = ("order", "owner")
    search_fields = ("device_no",)
    search_help_text = "Number of a device or an order, or a user's name"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Device]:
        rows: QuerySet[Device] = super().get_queryset(request)
        return rows.defer("token", "keys")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Device], search_term: str
    ) -> tuple[QuerySet[Device], bool]:
        if not search_term:
            return queryset, False
        numbers = spellings(search_term)
        found = queryset.filter(device_no__in=numbers) | queryset.filter(
            order__order_no__in=numbers
        )
        return found | queryset.filter(owner__username=search_term.strip()), False

    @admin.display(description="Device")
    def device_number(self, device: Device) -> str:
        return number(device.device_no)

    @admin.display(description="User or order")
    def holder(self, device: Device) -> str:
        if device.order:
            return page_link("orders_order", device.order.pk, device.order.order_no)
        return str(device.owner)

    @badge("State", {"here": "success", "gone": "default"})
    def standing(self, device: Device) -> tuple[str, str]:
        return ("gone", f"Gone: {device.gone_why}") if device.gone_at else ("here", "Registered")

    @admin.display(description="Age")
    def age(self, device: Device) -> str:
        return nowrap(age_of(device.created_at))
