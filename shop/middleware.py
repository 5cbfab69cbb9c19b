"""The log of requests, what every answer carries, and the shopper's own language."""

from collections.abc import Callable
from typing import Any

import structlog
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language_from_request
from django_structlog.middlewares import RequestMiddleware as StructlogMiddleware
from django_structlog.signals import bind_extra_request_metadata

from shop.formats import speaking

NOT_FOR_SHOPPERS = ("/admin/", "/api/", "/callbacks/")  # in English: their own words are so
ZONE_COOKIE = "zone"  # set by the pages' script


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


def speak_to_the_shopper(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Pages are in the language that was switched to, else in the one that the browser wants."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith(NOT_FOR_SHOPPERS):
            return get_response(request)
        language = get_language_from_request(request)
        accepted = request.headers.get("Accept-Language", "")
        zone = request.COOKIES.get(ZONE_COOKIE, "").replace("%2F", "/")
        with speaking(language, accepted=accepted, zone=zone):
            response = get_response(request)
        patch_vary_headers(response, ["Accept-Language", "Cookie"])
        response.headers.setdefault("Content-Language", language)
        return response

    return middleware
