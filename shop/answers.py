"""Answers that are kept for a day, so that a request which is sent again is not done again.

Answers are kept where something was done. One who asks with the same key at the same time waits for
the first. The lock spares work and ends with the connection that holds it; it is no guarantee:
whatever runs under a key must be harmless when it runs twice, by the rows that it writes.
"""

import datetime as dt
import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cryptography.fernet import InvalidToken
from django.db import Error, connection

from common.kill_points import reach
from common.sealing import box
from shop.models import KeptAnswer

KEPT = dt.timedelta(hours=24)
PATIENCE = 2.0  # seconds to wait for the same request; it holds a thread meanwhile
_LOOK_EVERY = 0.05
_PURPOSE = b"nodrop: kept answers"
_BATCH = 5000


class StillAnswering(Exception):
    """The same request is being worked on: send it again in a moment, with the same key."""


class KeyReused(Exception):
    """This key was used for another body: send a new key for a new request, or the same body."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Enough of an answer to give it again; `data` is what its JSON says."""

    status: int
    headers: dict[str, str]
    data: Any


def scope_of(*parts: str) -> str:
    """One name for a caller, a path and a key. No part may hold a line break."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def hash_of(body: Any) -> str:
    """The same for the same JSON value, however it was written."""
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


@contextmanager
def alone(scope: str) -> Iterator[None]:
    """Nobody else is inside for this scope. Raises `StillAnswering`."""
    number = int.from_bytes(bytes.fromhex(scope[:16]), signed=True)
    deadline = time.monotonic() + PATIENCE
    while not _ask("SELECT pg_try_advisory_lock(%s)", number):
        if time.monotonic() > deadline:
            raise StillAnswering
        time.sleep(_LOOK_EVERY)
    try:
        yield
    finally:
        _let_go(number)


def find(*, scope: str, request_hash: str, now: dt.datetime) -> Answer | None:
    """The answer that was given. Raises `KeyReused`."""
    kept = KeptAnswer.objects.filter(scope=scope, answered_at__gt=now - KEPT).first()
    if kept is None:
        return None
    if kept.request_hash != request_hash:
        raise KeyReused
    try:
        said = json.loads(box(_PURPOSE).decrypt(kept.sealed))
    except InvalidToken:  # of a former SECRET_KEY that is not known any more: do it again
        return None
    return Answer(kept.status, said["headers"], said["data"])


def keep(answer: Answer, *, scope: str, request_hash: str, now: dt.datetime) -> None:
    """Give this answer from now on."""
    reach("answer.given")
    said = json.dumps({"headers": answer.headers, "data": answer.data}).encode()
    kept = KeptAnswer(
        scope=scope,
        request_hash=request_hash,
        status=answer.status,
        sealed=box(_PURPOSE).encrypt(said).decode(),
        answered_at=now,
    )
    KeptAnswer.objects.bulk_create(
        [kept],
        update_conflicts=True,
        unique_fields=["scope"],
        update_fields=["request_hash", "status", "sealed", "answered_at"],
    )


def forget(*, now: dt.datetime) -> int:
    """Delete the answers that are given no more; returns how many."""
    forgotten = 0
    old = KeptAnswer.objects.filter(answered_at__lte=now - KEPT).order_by("answered_at")
    while batch := list(old.values_list("pk", flat=True)[:_BATCH]):
        forgotten += KeptAnswer.objects.filter(pk__in=batch).delete()[0]
    return forgotten


def _let_go(number: int) -> None:
    try:
        _ask("SELECT pg_advisory_unlock(%s)", number)
    except Error:  # a connection that is of no use any more; the lock ends with it
        connection.close()


def _ask(question: str, number: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(question, [number])
        return bool(cursor.fetchone()[0])
