"""How each part is run: the one table that `make`, the demo, the live tests and compose use.

`python -m config.run web` becomes that part; `python -m config.run manage migrate` runs Django's
command line. Where `DATABASE_URL` or `REDIS_URL` is unset, it takes a lease on the embedded servers
first and hands it on, so that they run for exactly as long as somebody uses them.
"""

import argparse
import fcntl
import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import FrameType

from config import embedded, servers

# Read here and not by Django's settings; `.env.example` explains them.
VARIABLES = {
    "NODROP_DATA": "",
    "NODROP_HOST": "127.0.0.1",
    "NODROP_WEB_PORT": "8000",
    "NODROP_WALLET_PORT": "8001",
    "NODROP_PUSH_PORT": "8002",
    "NODROP_WEB_WORKERS": "1",
    "NODROP_WEB_THREADS": "8",
    "NODROP_WORKER_THREADS": "8",
    "NODROP_WORKER_QUEUES": "consults,sweeps,relay,refunds,notifications,statements",
}
SETTING_UP = {"migrate", "sync_beat", "seed"}  # `make` in several terminals runs them at once


@dataclass(frozen=True)
class Part:
    """One kind of process: its command, and how it shows that it is ready.

    `{NAME}` in the command stands for that variable. `says` is what its log says once it is ready;
    a part without it answers HTTP on the port that `port` names.
    """

    command: str
    port: str = ""
    says: str = ""


GRANIAN = "granian --host {NODROP_HOST} --workers-kill-timeout 10"
PARTS = {
    "web": Part(
        f"{GRANIAN} --interface wsgi --no-ws --port {{NODROP_WEB_PORT}}"
        " --workers {NODROP_WEB_WORKERS} --blocking-threads {NODROP_WEB_THREADS}"
        " config.wsgi:application",
        port="NODROP_WEB_PORT",
    ),
    # An idle socket costs 35 KiB with this server, and 164 KiB with granian. Clients send nothing.
    "push": Part(
        "uvicorn --host {NODROP_HOST} --port {NODROP_PUSH_PORT} --ws websockets-sansio"
        " --ws-per-message-deflate false --ws-max-size 4096 --lifespan off --no-access-log"
        " --timeout-graceful-shutdown 10 config.asgi:application",
        port="NODROP_PUSH_PORT",
    ),
    # Threads: the work is waiting for channels and for the database. Mingle and gossip are talk
    # among workers that costs a second at the start; rows tell them what to do.
    "worker": Part(
        "celery -A config worker --pool threads --concurrency {NODROP_WORKER_THREADS}"
        " --queues {NODROP_WORKER_QUEUES}"
        " --loglevel INFO --without-mingle --without-gossip",
        says=r"@\S+ ready\.",
    ),
    "beat": Part("celery -A config beat --loglevel INFO", says=r"LocalTime ->"),
    "wallet": Part(
        "payments.channels.sandbox.server --host {NODROP_HOST} --port {NODROP_WALLET_PORT}",
        port="NODROP_WALLET_PORT",
    ),
}


def command(name: str, environ: Mapping[str, str]) -> list[str]:
    """The part's command line in this environment."""
    values = {key: environ.get(key) or usual for key, usual in VARIABLES.items()}
    words = [word.format(**values) for word in PARTS[name].command.split()]
    if name == "wallet" and "NODROP_SANDBOX_DATA" not in environ:
        words += ["--data", str(embedded.data_dir() / "sandbox")]
    return [sys.executable, "-m", *words]


def is_healthy(name: str, environ: Mapping[str, str]) -> bool:
    """Whether the part answers. An open port tells nothing: the code may still be loading."""
    port = int(environ.get(PARTS[name].port) or VARIABLES[PARTS[name].port])
    host = environ.get("NODROP_ALLOWED_HOSTS", "").split(",")[0] or "127.0.0.1"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/livez", headers={"Host": host})
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def main() -> None:
    arguments = _arguments()
    if arguments.parent is not None:
        servers.die_with_parent(signal.SIGTERM)
        if os.getppid() != arguments.parent:
            sys.exit("the supervisor has ended")
    os.chdir(embedded.BASE_DIR)
    if arguments.part == "clean":
        embedded.remove()
    elif arguments.part == "healthy":
        sys.exit(not is_healthy(arguments.words[0], os.environ))
    elif arguments.part == "manage":
        _become([sys.executable, "manage.py", *arguments.words])
    elif arguments.parent is None and sys.stdin.isatty():
        _run_in_terminal(arguments.part)
    else:
        _become(command(arguments.part, os.environ))


def _run_in_terminal(name: str) -> None:
    """Run the part out of reach of Ctrl-C, and end it with one signal when that is pressed.

    Ctrl-C goes to every process of the terminal. granian's workers then hear of the end twice, from
    it and from their parent, and hang until they are killed.
    """
    words = [sys.executable, "-m", "config.run", "--parent", str(os.getpid()), name]
    part = subprocess.Popen(words, stdin=subprocess.DEVNULL, start_new_session=True)
    asked: list[int] = []

    def end(number: int, _frame: FrameType | None) -> None:
        asked.append(number)
        part.terminate()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    code = part.wait()
    sys.exit(0 if asked else code)


def _become(words: list[str]) -> None:
    """Replace this process: signals reach the part itself, and the lease ends when it does."""
    with embedded.lease() as lease:
        if lease is not None:
            os.set_inheritable(lease, True)
            if SETTING_UP.intersection(words):
                _one_at_a_time()
        os.environ["PYTHONUNBUFFERED"] = "1"  # who waits for a line must see it when it is said
        os.execv(words[0], words)  # noqa: S606  (no shell is what we want)


def _one_at_a_time() -> None:
    """Wait for another set-up to end; our lock is inherited, so it is held until ours has."""
    lock = os.open(embedded.data_dir() / "setup.lock", os.O_CREAT | os.O_RDWR)
    os.set_inheritable(lock, True)
    fcntl.flock(lock, fcntl.LOCK_EX)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m config.run", description="Run one part.")
    parser.add_argument("part", choices=[*PARTS, "manage", "healthy", "clean"])
    parser.add_argument("--parent", type=int, help="end when this process does")
    parser.add_argument("words", nargs=argparse.REMAINDER, help="Django's command, or a part")
    return parser.parse_args()


if __name__ == "__main__":
    main()
