"""`python -m demo`: start every part, play the stories, and leave the shop open.

With `--once` it ends after the table: with 0 only if every story ended with its order paid exactly
once. Ctrl-C stops every process that it started.
"""

import argparse
import io
import os
import signal
import sys
import time
from pathlib import Path

import django
from django.core.management import call_command

from config import embedded
from config.processes import PartDoesNotStart, Processes, usual_ports
from demo import shopper

PARTS = ("wallet", "web", "push", "worker", "beat")


def main() -> int:
    arguments = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    arguments.add_argument("--once", action="store_true", help="end after the table")
    once = arguments.parse_args().once
    # A shell that starts it in the background has SIGINT ignored: it must stop all the same.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    ports = usual_ports(os.environ)
    push_port = ports.get("NODROP_PUSH_PORT") or os.environ["NODROP_PUSH_PORT"]
    env = {"NODROP_PUSH_URL": f"ws://127.0.0.1:{push_port}"}
    try:
        with embedded.lease(), Processes(env=env, log_dir=_log_dir(), ports=ports) as parts:
            _prepare(parts)
            return _play(parts, once=once)
    except PartDoesNotStart as error:
        print(f"\n{error}\nAll logs: {_log_dir()}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped: every process that the demo started has ended")
        return 130 if once else 0


def _log_dir() -> Path:
    return embedded.data_dir() / "logs"


def _prepare(parts: Processes) -> None:
    """Tables, goods and beat entries; then the parts, each a process of its own."""
    started = time.monotonic()
    print("starting PostgreSQL and Valkey (unless yours are set), migrating, seeding …", flush=True)
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    os.environ.setdefault("NODROP_LOG_LEVEL", "CRITICAL")  # ours; the parts' logs are in files
    django.setup()
    call_command("migrate", verbosity=0)
    for command in ("seed", "sync_beat"):
        call_command(command, stdout=io.StringIO())
    for name in PARTS:
        # One story kills the worker, and it has to stay dead for a while.
        parts.start(name, restart=name != "worker")
    shopper.all_faults_off(wallet=parts.url("wallet"))  # the last visitor may have left some on
    took = time.monotonic() - started
    print(f"{', '.join(PARTS)}: each a process of its own, up after {took:.1f} s", flush=True)


def _play(parts: Processes, *, once: bool) -> int:
    from demo import results, stories  # noqa: PLC0415  (needs Django set up)

    ends = [story(parts) for story in stories.STORIES]
    print(results.table(ends), flush=True)
    if once:
        return 0 if all(end.paid_once for end in ends) else 1
    print(_addresses(parts), flush=True)
    while True:  # until Ctrl-C (KeyboardInterrupt) or SIGTERM (SystemExit, by Processes)
        signal.pause()


def _addresses(parts: Processes) -> str:
    web, wallet = parts.url("web"), parts.url("wallet")
    return f"""
everything goes on running; Ctrl-C stops it

  the shop                  {web}/
  the wallet, its bills     {wallet}/
  its fault switches        {wallet}/switches   (for programs: {wallet}/faults)
  the admin                 {web}/admin/   user admin, password admin
  the API and its docs      {web}/api/docs/   try with the token demo
  health                    {web}/readyz
  the logs                  {_log_dir()}
"""


if __name__ == "__main__":
    sys.exit(main())
