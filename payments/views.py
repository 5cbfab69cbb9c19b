"""Callbacks and health: parse, one call, answer."""

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from payments import health, services
from payments.channels.base import BadSignature
from payments.channels.registry import UnknownChannel
from payments.services.callbacks import CallbackNotSettled

log = structlog.get_logger(__name__)


@csrf_exempt
@require_POST
def callback(request: HttpRequest, channel: str) -> HttpResponse:
    """A channel calls back. 2xx only when the callback is committed; 500 has it sent again."""
    body = _read(request)
    if body is None:
        return _answer(f"a callback has at most {settings.CALLBACK_MAX_BYTES} bytes", 413)
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        ack = services.receive_callback(
            channel=channel, headers=headers, body=body, now=timezone.now()
        )
    except UnknownChannel as error:
        return _answer(str(error), 404)
    except BadSignature as error:
        log.warning("callback_rejected", channel=channel, error=str(error))
        return _answer("the signature does not match: send it again with the right one", 401)
    except CallbackNotSettled as error:
        return _answer(str(error.__doc__), 500)
    return HttpResponse(ack.body, status=ack.status, content_type=ack.content_type)


def _read(request: HttpRequest) -> bytes | None:
    """The raw body, before anything parses it; None when it is too large."""
    limit: int = settings.CALLBACK_MAX_BYTES
    if int(request.META.get("CONTENT_LENGTH") or 0) > limit:
        return None
    body = request.read(limit + 1)
    return body if len(body) <= limit else None


def _answer(text: str, status: int) -> HttpResponse:
    return HttpResponse(text, status=status, content_type="text/plain")


@never_cache
@require_GET
def livez(_request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return _answer("ok", 200)


@never_cache
@require_GET
def readyz(_request: HttpRequest) -> JsonResponse:
    """Whether requests can be served. Without Redis they can: everything is only found later."""
    report = health.report(now=timezone.now())
    return JsonResponse(report, status=200 if report["database"] == "ok" else 503)
