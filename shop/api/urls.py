"""The paths of the REST API."""

from django.urls import path, re_path

from shop.api import catalogue_views, order_views, payment_views, push_views, refund_views, views

app_name = "api"

urlpatterns = [
    path("v1/products", catalogue_views.ProductsView.as_view(), name="products"),
    path("v1/products/<slug:sku>", catalogue_views.ProductView.as_view(), name="product"),
    path("v1/channels", catalogue_views.ChannelsView.as_view(), name="channels"),
    path("v1/orders", order_views.OrdersView.as_view(), name="orders"),
    path("v1/orders/<slug:order_no>", order_views.OrderView.as_view(), name="order"),
    path("v1/orders/<slug:order_no>/cancel", order_views.CancelOrderView.as_view(), name="cancel"),
    path(
        "v1/orders/<slug:order_no>/payments", payment_views.OrderPaymentsView.as_view(), name="pay"
    ),
    path(
        "v1/orders/<slug:order_no>/refunds",
        refund_views.OrderRefundsView.as_view(),
        name="start_refund",
    ),
    path("v1/orders/<slug:order_no>/tickets", push_views.TicketsView.as_view(), name="tickets"),
    path("v1/push", push_views.OfferedView.as_view(), name="push"),
    path("v1/devices", push_views.UserDevicesView.as_view(), name="devices"),
    path("v1/devices/<slug:device_no>", push_views.UserDeviceView.as_view(), name="device"),
    path(
        "v1/orders/<slug:order_no>/devices",
        push_views.OrderDevicesView.as_view(),
        name="order_devices",
    ),
    path(
        "v1/orders/<slug:order_no>/devices/<slug:device_no>",
        push_views.OrderDeviceView.as_view(),
        name="order_device",
    ),
    path("v1/payments/<slug:payment_no>", payment_views.PaymentView.as_view(), name="payment"),
    path(
        "v1/payments/<slug:payment_no>/status",
        payment_views.PaymentStatusView.as_view(),
        name="status",
    ),
    path(
        "v1/payments/<slug:payment_no>/returned",
        payment_views.PaymentReturnedView.as_view(),
        name="returned",
    ),
    path("v1/refunds/<slug:refund_no>", refund_views.RefundView.as_view(), name="refund"),
    re_path(r"^(?P<version>v(?!1(?:/|$))\d+)(?:/.*)?$", views.UnknownVersionView.as_view()),
    re_path("", views.UnknownPathView.as_view()),
]
