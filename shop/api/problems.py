"""Errors of the API as `application/problem+json` (RFC 9457), saying what would be right."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, InternalError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from psycopg2.errorcodes import READ_ONLY_SQL_TRANSACTION
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import exception_handler

from orders.services import (
    IdempotencyKeyReused,
    OrderNotCancellable,
    OrderNotPayable,
    UnknownOrder,
)
from payments.channels.registry import UnknownChannel
from payments.services import (
    CurrencyNotTaken,
    NothingToRefund,
    OriginReused,
    RefundNotPossible,
    RefundTooLarge,
)
from shop.answers import KeyReused, StillAnswering
from shop.api.limits import count_refusal
from shop.formats import format_money
from shop.services import (
    AlreadyPaid,
    CannotBeOrdered,
    CannotBeRefunded,
    OtherMoneyCame,
    PaymentUnderWay,
    StillBeingConfirmed,
)

CONTENT_TYPE = "application/problem+json"
NOT_HERE = "There is nothing of this number that you may see: check the number and your token."

REFUSALS: dict[type[Exception], tuple[int, str, str]] = {
    IdempotencyKeyReused: (422, "idempotency-key-reused", "The key was used for another order"),
    OrderNotPayable: (409, "order-not-payable", "The order takes no payment"),
    OrderNotCancellable: (409, "order-not-cancellable", "The order can't be cancelled"),
    AlreadyPaid: (409, "already-paid", "The order is paid"),
    StillBeingConfirmed: (409, "still-being-confirmed", "Not known yet"),
    OtherMoneyCame: (409, "other-money-came", "Other money came"),
    NothingToRefund: (409, "nothing-to-refund", "There is nothing to refund"),
    RefundTooLarge: (409, "refund-too-large", "Not so much is left"),
    RefundNotPossible: (409, "refund-not-possible", "It can't be refunded from here"),
    OriginReused: (422, "idempotency-key-reused", "The key was used for another refund"),
    KeyReused: (422, "idempotency-key-reused", "The key was used for another request"),
    StillAnswering: (409, "still-answering", "The same request is being worked on"),
}


log = structlog.get_logger(__name__)


class Problem(exceptions.APIException):
    """An error of ours, with the name that an app can switch on."""

    def __init__(self, status: int, name: str, title: str, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.status_code = status
        self.name = name
        self.title = title
        self.more = more
        self.wait: float | None = None


def not_here() -> exceptions.NotFound:
    """The same answer for what does not exist and for what is somebody else's."""
    return exceptions.NotFound(NOT_HERE)


def handle(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Django REST framework's exception handler; None leaves a bug to `server_error`."""
    exc = count_refusal(context["request"], context["view"]) or exc
    known = _too_many(exc) if isinstance(exc, exceptions.Throttled) else _of_ours(exc) or exc
    response = exception_handler(known, context)
    if response is None:
        return None
    if isinstance(known, Problem):
        body = _body(known.status_code, known.name, known.title, str(known.detail), **known.more)
    elif isinstance(known, exceptions.ValidationError):
        body = _invalid(dict(_by_field(known.detail)))
    else:
        body = _body(response.status_code, "", "", _what_would_be_right(known, context))
    # Whatever the view answers otherwise: the schema, for one, is YAML.
    context["request"].accepted_renderer = JSONRenderer()
    context["request"].accepted_media_type = JSONRenderer.media_type
    if response.status_code == HTTPStatus.SERVICE_UNAVAILABLE or isinstance(exc, StillAnswering):
        response["Retry-After"] = "1"
    response.data = body
    response.content_type = CONTENT_TYPE
    return response


def bad_request(request: HttpRequest) -> HttpResponse:
    """The answer to what Django itself refuses, before or outside a view."""
    detail = "This is not a request that any of our paths takes: see /api/docs/."
    return JsonResponse(_body(400, "", "", detail), status=400, content_type=CONTENT_TYPE)


def server_error(request: HttpRequest) -> HttpResponse:
    """The answer to a bug of ours; it has been logged with its trace under the request's id."""
    detail = "That is our fault, not yours. Nothing is lost: ask again, with the same key."
    return JsonResponse(_body(500, "", "", detail), status=500, content_type=CONTENT_TYPE)


def _body(status: int, name: str, title: str, detail: str, **more: Any) -> dict[str, Any]:
    request_id = structlog.contextvars.get_contextvars().get("request_id", "")
    return {
        "type": f"urn:nodrop:{name}" if name else "about:blank",
        "title": title or HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "request_id": request_id,
        **more,
    }


def _invalid(errors: dict[str, list[str]]) -> dict[str, Any]:
    fields = ", ".join(errors)
    detail = f"Correct what `errors` names ({fields}), and send it again."
    return _body(400, "invalid", "The request is not valid", detail, errors=errors)


def _of_ours(exc: Exception) -> exceptions.APIException | None:
    """What a service refused, as a problem."""
    if isinstance(exc, UnknownOrder):
        return not_here()
    if isinstance(exc, RequestDataTooBig):
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 1024
        return Problem(413, "too-large", "The body is too large", f"Send at most {most} KiB.")
    if isinstance(exc, CannotBeOrdered | CannotBeRefunded | UnknownChannel | CurrencyNotTaken):
        return exceptions.ValidationError(getattr(exc, "errors", {"channel": [str(exc)]}))
    if isinstance(exc, OperationalError | InterfaceError) or _takes_no_writes(exc):
        log.error("database_away", error=repr(exc))
        return Problem(503, "try-again", "Not now", "Ask again in a moment, with the same key.")
    if type(exc) not in REFUSALS:
        return None
    status, name, title = REFUSALS[type(exc)]
    # A class that is raised bare says what would be right in its docstring.
    return Problem(status, name, title, str(exc) or type(exc).__doc__ or "", **_more_about(exc))


def _too_many(exc: exceptions.Throttled) -> Problem:
    detail = "`RateLimit-Policy` says how much there is: ask again after `Retry-After` seconds."
    problem = Problem(429, "too-many-requests", "Too many requests", detail)
    problem.wait = exc.wait  # REST framework makes `Retry-After` of it
    return problem


def _takes_no_writes(exc: Exception) -> bool:
    """A database that has become a standby: it does so before another one is found."""
    return (
        isinstance(exc, InternalError)
        and getattr(exc.__cause__, "pgcode", "") == READ_ONLY_SQL_TRANSACTION
    )


def _more_about(exc: Exception) -> dict[str, Any]:
    """What an app can work with, besides the words."""
    if isinstance(exc, PaymentUnderWay):
        return {"payment_no": exc.payment.payment_no}
    if isinstance(exc, RefundTooLarge):
        text = format_money(exc.refundable, exc.currency)
        left = {"amount": exc.refundable, "currency": exc.currency, "text": text}
        return {"refundable": left}
    return {}


def _by_field(detail: Any, path: str = "") -> Iterator[tuple[str, list[str]]]:
    """Flatten nested errors: `lines.1.sku` → its messages."""
    if isinstance(detail, Mapping):
        for key, value in detail.items():
            own = "" if key == "non_field_errors" else str(key)
            yield from _by_field(value, ".".join(filter(None, (path, own))))
    elif detail and isinstance(detail[0], Mapping):
        for number, value in enumerate(detail):
            yield from _by_field(value, f"{path}.{number}".lstrip("."))
    elif detail:
        yield path or "body", [str(message) for message in detail]


def _what_would_be_right(exc: Exception, context: Mapping[str, Any]) -> str:
    """What to send instead of what REST framework refused."""
    said = str(getattr(exc, "detail", exc))
    match exc:
        case exceptions.ParseError():
            return f"The body is not JSON that we can read: {said}"
        case exceptions.UnsupportedMediaType():
            return "Send JSON, with the header `Content-Type: application/json`."
        case exceptions.NotAcceptable():
            return "Answers are JSON: send `Accept: application/json`, or no such header."
        case exceptions.MethodNotAllowed():
            return f"{said} This path takes: {', '.join(context['view'].allowed_methods)}."
        case exceptions.AuthenticationFailed() | exceptions.NotAuthenticated():
            return f"{said} Send `Authorization: Token <key>`; guests send no such header."
    return said or "There is nothing of that kind: see /api/docs/."
