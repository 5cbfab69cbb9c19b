"""A statement's lines as a table for the length of one transaction, so that SQL compares them."""

import csv
import io
from collections.abc import Iterator
from itertools import islice

import structlog
from django.db import DataError, Error, IntegrityError, connection

from payments.channels.base import Channel, ChannelError, StatementLine
from payments.models import Statement
from payments.services.statements.storing import Unreadable, raw_of

log = structlog.get_logger(__name__)

BATCH = 5000  # lines in memory

_CREATE = """
    DROP TABLE IF EXISTS statement_line, statement_finding, statement_evidence, statement_found;
    CREATE TEMPORARY TABLE statement_line (
        n int NOT NULL, day date NOT NULL, kind text NOT NULL, payment_no text NOT NULL,
        refund_no text NOT NULL, channel_no text NOT NULL, capture_no text NOT NULL,
        amount bigint NOT NULL CHECK (amount >= 0), currency text NOT NULL CHECK (currency <> ''),
        merchant text NOT NULL CHECK (merchant <> ''), at timestamptz NOT NULL
    ) ON COMMIT DROP
"""
_COPY = """
    COPY statement_line FROM STDIN WITH (FORMAT csv,
        FORCE_NOT_NULL (kind, payment_no, refund_no, channel_no, capture_no, currency, merchant))
"""


def create_tables() -> None:
    """Make the empty table; it goes away with the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_CREATE)


def load(*, channel: Channel, statement: Statement) -> int:
    """Add the lines of a stored statement; returns how many. Raises `Unreadable`."""
    lines = enumerate(_read(channel, statement), start=1)
    count = 0
    while batch := list(islice(lines, BATCH)):
        _copy(batch, statement)
        count += len(batch)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE statement_line")
    return count


def _read(channel: Channel, statement: Statement) -> Iterator[StatementLine]:
    try:
        yield from channel.read_statement(raw_of(statement))
    except Error:
        raise  # the database, from which the pieces come
    except ChannelError as error:
        raise Unreadable(str(error)) from error
    except Exception as error:
        log.exception("channel_broke", channel=channel.name, day=str(statement.day))
        raise Unreadable(f"the channel's code broke: {error!r}") from error


def _copy(batch: list[tuple[int, StatementLine]], statement: Statement) -> None:
    text = io.StringIO()
    csv.writer(text).writerows(
        (
            n,
            statement.day,
            line.kind,
            line.payment_no,
            line.refund_no,
            line.channel_no,
            line.capture_no,
            line.amount,
            line.currency,
            line.merchant,
            line.at,
        )
        for n, line in batch
    )
    try:
        with connection.cursor() as cursor, connection.wrap_database_errors:
            cursor.copy_expert(_COPY, io.BytesIO(text.getvalue().encode()))
    except (DataError, IntegrityError, UnicodeError) as error:
        raise Unreadable(f"lines {batch[0][0]} to {batch[-1][0]}: {error}") from error
