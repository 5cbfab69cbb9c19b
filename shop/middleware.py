"""The log of requests, without what must not be in a log."""

from typing import Any

from django.dispatch import receiver
from django.http import HttpRequest
from django_structlog.middlewares import RequestMiddleware as StructlogMiddleware
from django_structlog.signals import bind_extra_request_metadata


class RequestMiddleware(StructlogMiddleware):
    """Logs paths without their query strings, which carry the keys of orders."""

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        return f"{request.method} {request.path}"


@receiver(bind_extra_request_metadata)
def leave_out_the_user_agent(*, log_kwargs: dict[str, Any], **_: Any) -> None:
    """The library has no setting for it; the hook is its own."""
    log_kwargs.pop("user_agent", None)
