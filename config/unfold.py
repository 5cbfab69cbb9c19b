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
    # Ctrl+K finds a payment or an order by any number from whichever page.
    "COMMAND": {
        "search_models": ["payments.payment", "orders.order"],
        "show_history": False,
    },
    "SIDEBAR": {
        "show_search": True,
        "command_search": True,
        "navigation": [
            {"items": [_item("Dashboard", "monitoring", "index")]},
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
                ],
            },
            {
                "title": "Shop",
                "separator": True,
                "items": [
                    _item("Orders", "receipt_long", "orders_order_changelist", "orders.view_order"),
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
