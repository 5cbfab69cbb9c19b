"""The paths of the pages."""

from django.urls import path

from shop import pages

app_name = "shop"

urlpatterns = [
    path("", pages.products, name="products"),
    path("products/<slug:sku>/", pages.product, name="product"),
    path("orders/<str:order_no>/", pages.order, name="order"),
    path("orders/<str:order_no>/pay/", pages.pay, name="pay"),
    path("orders/<str:order_no>/wallet/", pages.wallet, name="wallet"),
    path("orders/<str:order_no>/back/", pages.back, name="back"),
    path("orders/<str:order_no>/cancel/", pages.cancel, name="cancel"),
]
