"""Imports a large statement in a process of its own, on the database that its environment names.

`python -m tests.payments.statements.large LINES DAY` prints JSON: the seconds that it took, those
of a plain `csv` loop over the same bytes, and the process's largest memory in MiB.
"""

import csv
import datetime as dt
import json
import os
import re
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.conf import settings  # noqa: E402  (needs the settings)

from payments.channels.sandbox.channel import SandboxChannel  # noqa: E402  (as above)
from payments.channels.sandbox.statement_lines import HEADER  # noqa: E402  (as above)
from payments.services import statements  # noqa: E402  (as above)
from payments.services.statements.storing import raw_of  # noqa: E402  (as above)

OPTIONS = {
    "base_url": "http://none",
    "merchant": "us",
    "api_key": "k",
    "webhook_secret": "whsec_QQ",
}


class LargeChannel(SandboxChannel):
    """A sandbox wallet that makes its statements up: the lines of LINES payments."""

    lines = 0

    def download_statement(self, day: dt.date) -> Iterator[bytes]:
        yield f"{HEADER}\n".encode()
        rows = (line_of(number, day) for number in range(self.lines))
        while batch := list(islice(rows, 1000)):
            yield "".join(batch).encode()
        yield f"end,{self.lines}\n".encode()


def number_of(number: int, day: dt.date) -> str:
    return f"P{day:%Y%m%d}{number:012d}"


def line_of(number: int, day: dt.date) -> str:
    payment_no = number_of(number, day)
    second = dt.timedelta(seconds=number % 86_400)
    at = dt.datetime.combine(day, dt.time(), dt.UTC) + second
    return f"payment,{payment_no},,B{payment_no},C{payment_no},1250,CNY,us,{at.isoformat()}\n"


def plain_loop(raw: Iterator[bytes]) -> int:
    """What reading costs at the least."""
    rest = ""
    count = 0
    for piece in raw:
        *whole, rest = (rest + piece.decode()).split("\n")
        for _row in csv.reader(whole):
            count += 1
    return count


def largest_memory() -> float:
    """MiB. Not `ru_maxrss`, which begins with what the parent had."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024


def main(lines: int, day: dt.date) -> None:
    LargeChannel.lines = lines
    options = {"CLASS": "tests.payments.statements.large.LargeChannel", "OPTIONS": OPTIONS}
    settings.NODROP_CHANNELS = {"large": options}
    now = dt.datetime.combine(day, dt.time(1), dt.UTC) + dt.timedelta(days=1)
    started = time.perf_counter()
    statement = statements.import_now(channel="large", day=day, now=now, actor="test")
    seconds = time.perf_counter() - started
    peak = largest_memory()
    started = time.perf_counter()
    rows = plain_loop(raw_of(statement))
    plain = time.perf_counter() - started
    told = {"state": statement.state, "lines": statement.lines, "matched": statement.matched}
    print(json.dumps(told | {"rows": rows, "seconds": seconds, "plain": plain, "peak": peak}))  # noqa: T201


if __name__ == "__main__":
    # The class under the name by which the settings know it, not that of `__main__`.
    from tests.payments.statements import large

    large.main(int(sys.argv[1]), dt.date.fromisoformat(sys.argv[2]))
