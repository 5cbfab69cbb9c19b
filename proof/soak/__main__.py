"""`python -m proof.soak --minutes 60 --seed 7`: load and faults, then peace, then the reckoning.

Exit 1 with the story of the first bad payment on any drop, double or difference, and on anything
that no client may ever see. Ctrl-C ends every process that it started.
"""

import argparse
import datetime as dt
import heapq
import io
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

from proof.soak import stage as stages
from proof.soak.shoppers import Crowd
from proof.soak.stage import PARTS, PERIODS, SETTINGS, Stage
from proof.soak.storm import Strike, schedule
from proof.soak.striking import Striker

TICK = 0.1  # seconds
# Seconds without anything under way, before the reckoning: the wallet's late money has come then.
CALM, SHORT_CALM = 15.0, 5.0
SAY_EVERY = 30.0  # seconds


def main() -> int:
    arguments = _arguments()
    # A shell that starts it in the background has SIGINT ignored: it must stop all the same.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    stages.forget_the_shell()
    try:
        with stages.build(seed=arguments.seed) as stage:
            return _soak(stage, arguments)
    except KeyboardInterrupt:
        print("\nstopped: every process that the soak started has ended")
        return 130


def _soak(stage: Stage, arguments: argparse.Namespace) -> int:
    _say(f"seed {arguments.seed}: PostgreSQL, Valkey, {', '.join(PARTS)}, in {stage.folder}")
    _set_up(stage)
    striker = Striker(stage, random.Random(f"{arguments.seed}/striker"))
    striker.every_day()
    crowd = Crowd(stage.web, stage.wallet, arguments.seed, arguments.pace)
    crowd.start()
    seconds = 60 * arguments.minutes
    gaps = (arguments.gap, 3 * arguments.gap)
    strikes = schedule(seed=arguments.seed, seconds=seconds, gaps=gaps)
    _say(f"the storm: {len(strikes)} faults in {arguments.minutes:g} minutes")
    _weather(striker, strikes, seconds, crowd, verbose=arguments.verbose)
    _heal(stage, striker, crowd)
    return _reckon(stage, striker, crowd, arguments)


def _weather(
    striker: Striker, strikes: Sequence[Strike], seconds: float, crowd: Crowd, *, verbose: bool
) -> None:
    """Each strike at its time, and what undoes it when its time is over."""
    began, said = time.monotonic(), 0.0
    undo: list[tuple[float, int, Callable[[], None]]] = []
    left = list(reversed(strikes))
    while (age := time.monotonic() - began) < seconds:
        while undo and undo[0][0] <= age:
            heapq.heappop(undo)[2]()
        if left and left[-1].at <= age:
            strike = left.pop()
            if verbose:
                _say(str(strike))
            undoing = striker.strike(strike)
            if undoing:
                heapq.heappush(undo, (age + strike.seconds, len(left), undoing))
        striker.look()
        if age - said >= SAY_EVERY:
            said = age
            _say(
                f"{age:6.0f} s: {sum(striker.faults.values())} faults, {striker.kills} kills, "
                f"{crowd.counts['orders']} orders"
            )
        time.sleep(TICK)
    for _, _, undoing in sorted(undo):
        undoing()


def _set_up(stage: Stage) -> None:
    """Tables, goods and beat's entries; then the parts, each a process of its own."""
    os.environ |= SETTINGS | {
        "DATABASE_URL": stage.store.database_url,
        "REDIS_URL": stage.store.redis_url,
        "NODROP_SANDBOX_URL": stage.wallet,
        "NODROP_LOG_LEVEL": "CRITICAL",
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    import django  # noqa: PLC0415  (the addresses are known only now)

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415
    from django_celery_beat.models import IntervalSchedule, PeriodicTask  # noqa: PLC0415

    for command in ("migrate", "seed", "sync_beat"):
        call_command(command, verbosity=0, stdout=io.StringIO())
    for task, every in PERIODS.items():
        interval, _ = IntervalSchedule.objects.get_or_create(every=every, period="seconds")
        PeriodicTask.objects.filter(task=task).update(interval=interval, expire_seconds=60)
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda name: stage[name].start(PARTS[name]), PARTS))


def _heal(stage: Stage, striker: Striker, crowd: Crowd) -> None:
    """Everything works again, and nobody new comes."""
    striker.all_quiet()
    for link in stage.links.values():
        link.heal()
    for name in PARTS:
        if not stage.wait(name):
            _say(f"{name} does not come back")
    crowd.stop()
    staying = crowd.wait(seconds=120)
    _say(f"healed; {staying} shoppers are still there")


def _reckon(stage: Stage, striker: Striker, crowd: Crowd, arguments: argparse.Namespace) -> int:
    from django.db import connection  # noqa: PLC0415  (needs Django set up)
    from django.utils import timezone  # noqa: PLC0415  (as above)

    from proof.soak import books, telling  # noqa: PLC0415  (as above)

    connection.close()  # the storm has broken it
    waited = _wait_for_calm(stage, arguments, statement_is_here=False)
    before = books.read(_bills(stage))
    late = before.left_to_the_statement()
    found = [each for each in before.findings() if each.payment_no not in late]
    strange = _import_statements(stage, striker)
    books.hurry(timezone.now())  # what was found a day later is due a day later
    _wait_for_calm(stage, arguments, statement_is_here=True)
    after = books.read(_bills(stage))
    found = found or after.findings()
    print(f"\nfaults by kind:\n{telling.table(striker.faults)}\n\n{after.conservation()}")
    done = {
        "faults": sum(striker.faults.values()),
        "kills": striker.kills,
        "of them at points of the code": striker.points_hit,
        "orders": crowd.counts["orders"],
        "payments": crowd.counts["payments"],
        "left to the statement": len(late),
    }
    print(f"\nseed {arguments.seed}, {arguments.minutes:g} minutes, calm {waited:.0f} s after:")
    print(telling.figures(times=before.times_to_truth(), found=found, counts=done))
    print(", ".join(f"{count} {what}" for what, count in sorted(crowd.counts.items())))
    bad = [*map(str, found), *strange, *crowd.wrongs]
    if bad or arguments.keep_logs:
        print(f"the logs of all parts: {_keep_logs(stage)}")
    if not bad:
        return 0
    print("\n".join(bad))
    if found:
        print(telling.story(found[0], after.bills.get(found[0].payment_no), striker.log))
    return 1


def _import_statements(stage: Stage, striker: Striker) -> list[str]:
    """What the statements of the wallet leave to be explained: nothing may be."""
    from proof.soak import statements  # noqa: PLC0415  (as above)

    created = {str(bill["created_at"])[:10] for bill in _bills(stage).values()}
    days = [dt.date.fromisoformat(day) for day in sorted(created)]
    for statement in statements.import_all(striker, days=days):
        _say(statements.told(statement))
    return [f"the statement differs: {each}" for each in statements.open_differences()]


def _wait_for_calm(
    stage: Stage, arguments: argparse.Namespace, *, statement_is_here: bool
) -> float:
    """Seconds until nothing was under way any more, for a while; the bound at the most."""
    from django.utils import timezone  # noqa: PLC0415  (as above)

    from proof.soak import books  # noqa: PLC0415  (as above)

    began = since = said = time.monotonic()
    calm = SHORT_CALM if arguments.impatient else CALM
    while (now := time.monotonic()) - began < arguments.bound:
        read = books.read(_bills(stage))
        excused = set() if statement_is_here else read.left_to_the_statement()
        if waiting := books.unquiet(read, excused=excused):
            since = time.monotonic()
            if arguments.impatient:
                books.hurry(timezone.now())
        elif now - since >= calm:
            return since - began
        if waiting and now - said >= SAY_EVERY / 2:
            said = now
            _say(", ".join(f"{count} {kind}" for kind, count in waiting.items()))
        time.sleep(1)
    return float(arguments.bound)


def _bills(stage: Stage) -> dict[str, dict[str, object]]:
    ledger = requests.get(f"{stage.wallet}/ledger.json", timeout=60).json()
    return {bill["payment_no"]: bill for bill in ledger["bills"]}


def _keep_logs(stage: Stage) -> Path:
    kept = stage.folder.with_name(f"{stage.folder.name}-logs")
    shutil.copytree(stage.folder / "logs", kept, dirs_exist_ok=True)
    return kept


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {text}", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m proof.soak", description=__doc__)
    add = parser.add_argument
    add("--minutes", type=float, default=60, help="how long the storm lasts")
    add("--seed", type=int, default=1, help="draws the storm and the shoppers")
    add("--pace", type=float, default=3, help="orders a second")
    add("--gap", type=float, default=5, help="seconds between two faults: 1 to 3 times so many")
    add("--bound", type=float, default=900, help="seconds after which all must be at rest")
    add("--impatient", action="store_true", help="end leases and expiries instead of waiting")
    add("--verbose", action="store_true", help="tell each fault as it strikes")
    add("--keep-logs", action="store_true", help="keep the logs of all parts, whatever the end")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
