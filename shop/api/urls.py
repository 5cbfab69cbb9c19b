"""The paths of the REST API."""

from django.urls import path, re_path

from shop.api import push_views, views

app_name = "api"

urlpatterns = [
    path("v1/products", views.ProductsView.as_view(), name="products"),
    path("v1/channels", views.ChannelsView.as_view(), name="channels"),
    path("v1/orders", views.OrdersView.as_view(), name="orders"),
    path("v1/orders/<slug:order_no>", views.OrderView.as_view(), name="order"),
    path("v1/orders/<slug:order_no>/cancel", views.CancelOrderView.as_view(), name="cancel"),
    path("v1/orders/<slug:order_no>/payments", views.OrderPaymentsView.as_view(), name="pay"),
    path(
        "v1/orders/<slug:order_no>/refunds", views.OrderRefundsView.as_view(), name="start_refund"
    ),
    path("v1/orders/<slug:order_no>/tickets", push_views.TicketsView.as_view(), name="tickets"),
    path("v1/payments/<slug:payment_no>", views.PaymentView.as_view(), name="payment"),
    path("v1/payments/<slug:payment_no>/status", views.PaymentStatusView.as_view(), name="status"),
    path(
        "v1/payments/<slug:payment_no>/returned",
        views.PaymentReturnedView.as_view(),
        name="returned",
    ),
    path("v1/refunds/<slug:refund_no>", views.RefundView.as_view(), name="refund"),
    re_path("", views.UnknownPathView.as_view()),
]
