"""The paths of the pages."""

from django.urls import path

from shop import pages

app_name = "shop"

urlpatterns = [
    path("", pages.products, name="products"),
    path("products/<slug:sku>/", pages.product, name="product"),
    path("orders/<slug:order_no>/", pages.order, name="order"),
    path("orders/<slug:order_no>/pay/", pages.pay, name="pay"),
    path("orders/<slug:order_no>/wallet/", pages.wallet, name="wallet"),
    path("orders/<slug:order_no>/back/", pages.back, name="back"),
    path("orders/<slug:order_no>/cancel/", pages.cancel, name="cancel"),
]
