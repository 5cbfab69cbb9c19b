"""The log of requests, without what must not be in a log; and what every answer carries."""

from typing import Any

import structlog
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django_structlog.middlewares import RequestMiddleware as StructlogMiddleware
from django_structlog.signals import bind_extra_request_metadata


class RequestMiddleware(StructlogMiddleware):
    """Logs paths without their query strings, which carry the keys of orders.

    Each answer names its request as the log does, and says what is left of the caller's budgets.
    """

    def handle_response(self, request: HttpRequest, response: HttpResponse) -> None:
        response["X-Request-Id"] = structlog.contextvars.get_contextvars().get("request_id", "")
        for name, value in getattr(request, "headers_of_limits", {}).items():
            response[name] = value
        super().handle_response(request, response)

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        return f"{request.method} {request.path}"


@receiver(bind_extra_request_metadata)
def leave_out_the_user_agent(*, log_kwargs: dict[str, Any], **_: Any) -> None:
    """The library has no setting for it; the hook is its own."""
    log_kwargs.pop("user_agent", None)
