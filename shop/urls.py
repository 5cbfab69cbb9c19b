"""The paths of the pages."""

from django.urls import path
from django.views.i18n import set_language

from shop.pages import carts, goods, orders, paying
from shop.pages.checkout import checkout
from shop.pages.people import SignIn, SignOut

app_name = "shop"

urlpatterns = [
    path("", goods.products, name="products"),
    path("products/<slug:sku>/", goods.product, name="product"),
    path("cart/", carts.show, name="cart"),
    path("checkout/", checkout, name="checkout"),
    path("orders/", orders.orders, name="orders"),
    path("orders/<slug:order_no>/", orders.order, name="order"),
    path("orders/<slug:order_no>/pay/", paying.pay, name="pay"),
    path("orders/<slug:order_no>/wallet/", paying.wallet, name="wallet"),
    path("orders/<slug:order_no>/back/", paying.back, name="back"),
    path("orders/<slug:order_no>/cancel/", paying.cancel, name="cancel"),
    path("orders/<slug:order_no>/tell-me/", orders.tell_me, name="tell_me"),
    path("sign-in/", SignIn.as_view(), name="sign_in"),
    path("sign-out/", SignOut.as_view(), name="sign_out"),
    path("language/", set_language, name="language"),
]
