"""The admin's looks and its navigation; pages are named by URL name, code by dotted path."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy


def _styles(_request: HttpRequest) -> str:
    return static("payments/admin.css")


def _icon(_request: HttpRequest) -> str:
    return static("shop/drop.svg")


def _may(permission: str) -> Callable[[HttpRequest], bool]:
    def check(request: HttpRequest) -> bool:
        return request.user.has_perm(permission)

    return check


def _item(title: str, icon: str, page: str, permission: str = "") -> dict[str, Any]:
    item: dict[str, Any] = {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{page}")}
    if permission:
        item["permission"] = _may(permission)
    return item


UNFOLD = {
    "SITE_TITLE": "Nodrop",
    "SITE_HEADER": "Nodrop",
    "SITE_SUBHEADER": "Every payment ends",
    "SITE_SYMBOL": "water_drop",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _icon}],
    "SITE_URL": "/",
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "DASHBOARD_CALLBACK": "workers.dashboard.fill",
    "STYLES": [_styles],
    "BORDER_RADIUS": "6px",
    # Ctrl+K finds a payment, a refund or an order by any number from whichever page.
    "COMMAND": {
        "search_models": ["payments.payment", "payments.refund", "orders.order"],
        "show_history": False,
    },
    "SIDEBAR": {
        "show_search": True,
        "command_search": True,
        "navigation": [
            {
                "items": [
                    _item("Dashboard", "monitoring", "index"),
                    _item(
                        "Alerts",
                        "notification_important",
                        "alerts_alert_changelist",
                        "alerts.view_alert",
                    ),
                ]
            },
            {
                "title": "Payments",
                "separator": True,
                "items": [
                    _item(
                        "Payments",
                        "payments",
                        "payments_payment_changelist",
                        "payments.view_payment",
                    ),
                    _item(
                        "Refunds",
                        "undo",
                        "payments_refund_changelist",
                        "payments.view_refund",
                    ),
                    _item(
                        "Evidence",
                        "fact_check",
                        "payments_evidence_changelist",
                        "payments.view_evidence",
                    ),
                    _item(
                        "Relay",
                        "move_up",
                        "payments_paymentevent_changelist",
                        "payments.view_paymentevent",
                    ),
                    _item(
                        "Relay of refunds",
                        "move_down",
                        "payments_refundevent_changelist",
                        "payments.view_refundevent",
                    ),
                ],
            },
            {
                "title": "Statements",
                "separator": True,
                "items": [
                    _item(
                        "Statements",
                        "description",
                        "payments_statement_changelist",
                        "payments.view_statement",
                    ),
                    _item(
                        "Differences",
                        "difference",
                        "payments_difference_changelist",
                        "payments.view_difference",
                    ),
                ],
            },
            {
                "title": "Shop",
                "separator": True,
                "items": [
                    _item("Orders", "receipt_long", "orders_order_changelist", "orders.view_order"),
                    _item(
                        "Notifications",
                        "campaign",
                        "orders_notification_changelist",
                        "orders.view_notification",
                    ),
                    _item(
                        "Messages",
                        "mark_email_read",
                        "orders_message_changelist",
                        "orders.view_message",
                    ),
                    _item(
                        "Devices",
                        "smartphone",
                        "orders_device_changelist",
                        "orders.view_device",
                    ),
                    _item(
                        "Endpoints",
                        "webhook",
                        "orders_endpoint_changelist",
                        "orders.view_endpoint",
                    ),
                    _item("Stock", "inventory_2", "orders_stock_changelist", "orders.view_stock"),
                    _item("Products", "storefront", "shop_product_changelist", "shop.view_product"),
                ],
            },
            {
                "title": "Schedule",
                "separator": True,
                "items": [
                    _item(
                        "Periodic tasks",
                        "schedule",
                        "django_celery_beat_periodictask_changelist",
                        "django_celery_beat.view_periodictask",
                    ),
                    _item(
                        "Intervals",
                        "timer",
                        "django_celery_beat_intervalschedule_changelist",
                        "django_celery_beat.view_intervalschedule",
                    ),
                    _item(
                        "Crontabs",
                        "calendar_month",
                        "django_celery_beat_crontabschedule_changelist",
                        "django_celery_beat.view_crontabschedule",
                    ),
                ],
            },
            {
                "title": "Access",
                "separator": True,
                "items": [
                    _item("Users", "person", "auth_user_changelist", "auth.view_user"),
                    _item("Groups", "group", "auth_group_changelist", "auth.view_group"),
                ],
            },
        ],
    },
}
