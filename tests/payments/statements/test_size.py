"""100,000 lines: in well under a minute, and with memory that does not grow with them."""

import datetime as dt
import json
import os
import subprocess
import sys
from urllib.parse import quote

import pytest
from django.db import connection

from config import embedded
from payments.models import Difference, Payment
from payments.states import Status

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]
DAY = dt.date(2026, 5, 4)
NEXT_DAY = dt.date(2026, 5, 5)
UNNOTICED = 500  # payments of each day that every other net has missed

_INSERT = """
    INSERT INTO payments_payment (payment_no, order_no, channel, merchant, subject, amount,
        currency, status, version, channel_no, idempotency_key, create_calls, return_url,
        received_amount, received_currency, received_merchant, capture_no, captured_total,
        created_at, expires_at, paid_at, settled_at, consults)
    SELECT no, 'N' || no, 'large', 'us', 'Tea', 1250, 'CNY',
        CASE WHEN known THEN 'succeeded' ELSE 'paying' END, 3, 'B' || no, no, 1, '',
        CASE WHEN known THEN 1250 END, 'CNY', 'us', CASE WHEN known THEN 'C' || no ELSE '' END,
        CASE WHEN known THEN 1250 ELSE 0 END, at, at, CASE WHEN known THEN at END,
        CASE WHEN known THEN at END, 1
    FROM generate_series(0, %(count)s - 1) AS n
    CROSS JOIN LATERAL (SELECT
        'P' || to_char(%(day)s::date, 'YYYYMMDD') || lpad(n::text, 12, '0') AS no,
        n >= %(unnoticed)s AS known,
        (%(day)s::date + make_interval(secs => n %% 86400)) AT TIME ZONE 'UTC' AS at) AS each
"""


def many_payments(count, day):
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, {"count": count, "day": day, "unnoticed": UNNOTICED})
        cursor.execute("ANALYZE payments_payment")


def import_in_a_process(lines, day):
    place = connection.get_connection_params()
    user = f"{place['user']}:{place['password']}" if place.get("password") else place["user"]
    address = f"{quote(place['host'], safe='')}:{place.get('port') or ''}".rstrip(":")
    url = f"postgres://{user}@{address}/{place['dbname']}"
    done = subprocess.run(
        [sys.executable, "-m", "tests.payments.statements.large", str(lines), day.isoformat()],
        cwd=embedded.BASE_DIR,
        env=os.environ | {"DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=58,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_hundred_thousand_lines_take_little_time_and_flat_memory(capsys):
    many_payments(10_000, DAY)
    many_payments(100_000, NEXT_DAY)

    small = import_in_a_process(10_000, DAY)
    large = import_in_a_process(100_000, NEXT_DAY)

    with capsys.disabled():
        ours, plain = (100_000 / large[key] for key in ("seconds", "plain"))
        print(  # noqa: T201  (the figure is what the test is for)
            f"\n100,000 lines: {ours:,.0f} a second, a plain csv loop {plain:,.0f}: "
            f"{plain / ours:.1f} times as fast; {large['peak'] - small['peak']:.1f} MiB more "
            "memory than 10,000 lines took"
        )
    assert (large["state"], large["rows"]) == ("compared", 100_002)
    assert large["lines"] == large["matched"] == 100_000
    assert large["seconds"] < 60
    assert large["peak"] - small["peak"] < 12  # 90,000 lines more have some 10 MiB of text alone
    assert Payment.objects.filter(status=Status.SUCCEEDED).count() == 110_000
    settled = Difference.objects.filter(resolution="settled from the statement")
    assert settled.count() == Difference.objects.count() == 2 * UNNOTICED
