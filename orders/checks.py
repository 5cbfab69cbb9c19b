"""System checks of the notifications: what is meant for demos must not reach production."""

from django.conf import settings
from django.core.checks import CheckMessage, Warning, register


@register
def notifications_stay_outside(**_kwargs: object) -> list[CheckMessage]:
    """Warn in production when notifications may go to private addresses, or over plain HTTP."""
    if not settings.PRODUCTION:
        return []
    allowed = {
        "NODROP_NOTIFY_PRIVATE": (
            settings.NOTIFY_PRIVATE,
            "Notifications may go to private addresses: whoever configures an endpoint can reach "
            "what only this network should reach.",
            "orders.W001",
        ),
        "NODROP_NOTIFY_HTTP": (
            settings.NOTIFY_HTTP,
            "Notifications may go over plain HTTP: others can read and hold them up.",
            "orders.W002",
        ),
    }
    return [
        Warning(message, hint=f"Leave {name} unset in production.", id=check_id)
        for name, (is_set, message, check_id) in allowed.items()
        if is_set
    ]
