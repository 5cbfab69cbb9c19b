"""`Idempotency-Key`: a POST that is sent again is not done again, and gets the same answer."""

import json
import re
from collections.abc import Callable
from contextlib import nullcontext
from functools import wraps
from typing import Any

from django.db import transaction
from django.utils import timezone
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from shop.answers import Answer, alone, find, hash_of, keep, scope_of

HEADER = "Idempotency-Key"
PATTERN = r"^[!-~]{16,255}$"
SENTENCE = "Send 16 to 255 random characters without spaces"

Post = Callable[..., Response]
_known: set[Post] = set()


def once(*, one_transaction: bool, required: str = "") -> Callable[[Post], Post]:
    """Answer a POST once for each key of a caller and a path.

    With `one_transaction` the effect and its kept answer are committed together. Without it a
    channel is called in between: what runs must then be harmless when a crash makes it run twice.
    `required` says why there has to be a key.
    """

    def decorate(post: Post) -> Post:
        @wraps(post)
        def answer(view: Any, request: Request, **names: str) -> Response:
            key = idempotency_key(request, required=required)
            body = request.data  # read in any case: what is no JSON is refused everywhere
            if not key:
                return post(view, request, **names)
            scope, request_hash = _scope(request, key), hash_of(body)
            with alone(scope):
                now = timezone.now()
                if kept := find(scope=scope, request_hash=request_hash, now=now):
                    return _again(kept)
                with transaction.atomic() if one_transaction else nullcontext():
                    given = post(view, request, **names)
                    if _has_done_it(given):
                        keep(_as_answer(given), scope=scope, request_hash=request_hash, now=now)
                return given

        _known.add(answer)
        return answer

    return decorate


def is_answered_once(post: Post) -> bool:
    """Whether a POST takes a key."""
    return post in _known


def idempotency_key(request: Request, *, required: str = "") -> str:
    """The request's key, or nothing."""
    if HEADER not in request.headers and not required:
        return ""
    key: str = request.headers.get(HEADER, "")
    if not re.fullmatch(PATTERN, key):
        why = f": {required}" if required else ", or no such header."
        raise exceptions.ValidationError({HEADER: [SENTENCE + why]})
    return key


def _scope(request: Request, key: str) -> str:
    """Whose key it is: a user's, or that of a guest with this token. It is no right to anything."""
    guest = f"guest/{request.headers.get('X-Order-Token', '')}"
    caller = guest if request.user.pk is None else f"user/{request.user.pk}"
    return scope_of(caller, request.path, key)


def _has_done_it(answer: Response) -> bool:
    """A refusal has changed nothing, and 202 says "ask again": both are worked out anew."""
    return answer.status_code in (200, 201)


def _as_answer(answer: Response) -> Answer:
    data = json.loads(JSONRenderer().render(answer.data))
    return Answer(answer.status_code, dict(answer.headers), data)


def _again(kept: Answer) -> Response:
    headers = kept.headers | {"Idempotent-Replayed": "true"}
    headers.pop("Content-Type", None)
    return Response(kept.data, status=kept.status, headers=headers)
