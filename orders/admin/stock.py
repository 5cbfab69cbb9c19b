"""The stock: how many of the goods can still be had."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import F
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from common.admin import badge
from orders.models import Stock

UNLIMITED = "A product of the shop that has no row here is never sold out."


class StockForm(forms.ModelForm):  # type: ignore[type-arg]
    """Knows what was seen: orders reserve while the form is open, and what they took stays so."""

    seen = forms.IntegerField(widget=forms.HiddenInput, required=False)

    class Meta:
        model = Stock
        fields = ("sku", "available")
        help_texts: ClassVar = {
            "sku": f"As the product has it. {UNLIMITED}",
            "available": "Not reserved by an open order, and not sold. What orders take while you "
            "edit is taken from the number that you enter.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["seen"] = self.instance.available


@admin.register(Stock)
class StockAdmin(ModelAdmin):
    """Deleting a row makes the product unlimited again."""

    form = StockForm
    fields = ("sku", "available", "seen")
    list_display = ("sku", "left")
    search_fields = ("sku",)
    search_help_text = f"SKU. {UNLIMITED}"
    list_fullwidth = True
    show_full_result_count = False

    def get_readonly_fields(
        self, request: HttpRequest, obj: Stock | None = None
    ) -> tuple[str, ...]:
        return ("sku",) if obj else ()

    @badge("Available", {"none": "danger", "some": "success"})
    def left(self, stock: Stock) -> tuple[str, str]:
        return ("some" if stock.available else "none"), f"{stock.available:,}"

    def save_model(self, request: HttpRequest, obj: Stock, form: Any, change: bool) -> None:
        """Add what was changed, so that no order's goods are had twice."""
        if not change:
            super().save_model(request, obj, form, change)
            return
        seen = form.cleaned_data["seen"]
        more = obj.available - (seen if seen is not None else obj.available)
        rows = Stock.objects.filter(pk=obj.pk, available__gte=-more)
        if not rows.update(available=F("available") + more):
            text = "Orders have taken more of it meanwhile: nothing was changed. Look again."
            self.message_user(request, text, messages.ERROR)
            more = 0
        obj.refresh_from_db()
        form.outcome = f"{more:+} available, which makes {obj.available}."

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> Any:
        if add:
            return f"Added with {form.instance.available} available."
        return getattr(form, "outcome", "")
