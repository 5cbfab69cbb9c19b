"""System checks of what leaves the house: notifications, and messages to shoppers."""

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from orders.messages.notifiers import get_notifier


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


@register
def messages_can_be_sent(**_kwargs: object) -> list[CheckMessage]:
    """A key that can't be read stops the start, and not the first message to a shopper."""
    return [problem for via in settings.NOTIFIERS for problem in _check(via)]


def _check(via: str) -> list[CheckMessage]:
    try:
        get_notifier(via)
    except Exception as error:  # noqa: BLE001  (whatever it is, it must not start)
        # Without the error's own words: they may quote the key.
        return [
            Error(
                f"Messages by {via} can't be sent: {type(error).__name__}.",
                hint=".env.example says what each of its variables holds.",
                id="orders.E001",
            )
        ]
    return []
