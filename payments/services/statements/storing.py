"""Statements as they came: kept raw and compressed, in pieces, so that memory stays flat."""

import datetime as dt
import hashlib
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from typing import IO

from django.db import transaction

from payments.channels.base import Channel
from payments.models import Statement, StatementPart
from payments.states import StatementState

PIECE = 1 << 20  # raw bytes of one part


class Unreadable(Exception):
    """The statement can't be read."""


def store(
    *, statement: Statement, raw: Iterable[bytes], channel: Channel, now: dt.datetime
) -> None:
    """Read a statement to its end, then keep it instead of the earlier one.

    It goes through a file, so that no transaction is open while the channel sends, and a download
    that breaks off leaves what was stored before. So does one that can't be read, or is empty,
    where the earlier one was compared: raises `Unreadable`.
    """
    with tempfile.TemporaryFile() as file:
        digest, size = _spool(raw, file)
        if statement.compared_at:
            _check(channel, file, statement)
        with transaction.atomic():
            kept = Statement.objects.select_for_update(no_key=True).get(pk=statement.pk)
            if kept.digest != digest:
                _replace_parts(statement, file)
            statement.digest, statement.size = digest, size
            statement.downloaded_at, statement.state = now, StatementState.WAITING
            statement.save(update_fields=["digest", "size", "downloaded_at", "state"])


def raw_of(statement: Statement) -> Iterator[bytes]:
    """The stored statement, piece by piece, as the channel sent it."""
    for number in range(statement.parts.count()):
        part = StatementPart.objects.get(statement=statement, number=number)
        yield zlib.decompress(bytes(part.body))


def _check(channel: Channel, file: IO[bytes], statement: Statement) -> None:
    """A proof is not given up for something that is none."""
    file.seek(0)
    try:
        lines = sum(1 for _ in channel.read_statement(iter(lambda: file.read(PIECE), b"")))
    except Exception as error:
        raise Unreadable(f"the one that was compared is kept: {error}") from error
    if statement.lines and not lines:
        raise Unreadable(f"it is empty, and the one of {statement.lines} lines is kept")


def _spool(raw: Iterable[bytes], file: IO[bytes]) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    for piece in raw:
        file.write(piece)
        digest.update(piece)
        size += len(piece)
    return digest.hexdigest(), size


def _replace_parts(statement: Statement, file: IO[bytes]) -> None:
    statement.parts.all().delete()
    file.seek(0)
    for number, piece in enumerate(iter(lambda: file.read(PIECE), b"")):
        StatementPart.objects.create(statement=statement, number=number, body=zlib.compress(piece))
