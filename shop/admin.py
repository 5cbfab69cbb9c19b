"""Products in the admin."""

from django.contrib import admin
from unfold.admin import ModelAdmin

from shop.formats import format_money
from shop.models import Product


@admin.register(Product)
class ProductAdmin(ModelAdmin):
    list_display = ["emoji", "title", "sku", "price_text", "active"]
    list_display_links = ["title"]
    list_filter = ["active", "currency"]
    search_fields = ["title", "sku"]

    @admin.display(description="price", ordering="price")
    def price_text(self, product: Product) -> str:
        return format_money(product.price, product.currency)
