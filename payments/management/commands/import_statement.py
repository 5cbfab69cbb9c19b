"""`manage.py import_statement CHANNEL DAY [--file PATH]`: get one day's statement now."""

import datetime as dt
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from payments.channels.registry import UnknownChannel
from payments.models import Statement
from payments.services import statements
from payments.states import StatementState

ACTOR = "manage.py"
PIECE = 1 << 20  # bytes read at a time


class Command(BaseCommand):
    help = "Downloads a day's statement again, or reads it from a file, and compares it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("channel")
        parser.add_argument("day", type=dt.date.fromisoformat, help="YYYY-MM-DD, the channel's day")
        parser.add_argument("--file", type=Path, help="a statement that was got otherwise")

    def handle(
        self, *_args: object, channel: str, day: dt.date, file: Path | None, **_options: object
    ) -> None:
        try:
            statement = _import(channel, day, file)
        except (UnknownChannel, statements.NoStatements, statements.DayNotOver, OSError) as error:
            raise CommandError(str(error)) from error
        if statement.state != StatementState.COMPARED or statement.error:
            raise CommandError(f"{statement} was not compared: {statement.error}")
        still_open = statement.differences.filter(resolved_at=None).count()
        self.stdout.write(
            f"{statement}: {statement.lines} lines, {statement.matched} agree, "
            f"{still_open} differences are open"
        )


def _import(channel: str, day: dt.date, file: Path | None) -> Statement:
    now = timezone.now()
    if file is None:
        return statements.import_now(channel=channel, day=day, now=now, actor=ACTOR)
    with file.open("rb") as opened:
        raw: Iterator[bytes] = iter(lambda: opened.read(PIECE), b"")
        return statements.import_file(channel=channel, day=day, raw=raw, now=now, actor=ACTOR)
