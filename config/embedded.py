"""Servers for those who have set no `DATABASE_URL` or `REDIS_URL`: demo, tests, a first look.

Never for production: they trust whoever may open their sockets (see `config.servers`). The
addresses follow from the checkout's path alone, so settings need no running server. Whoever needs
the servers takes a lease: the first one starts them, the others share them, and with the last one
they stop.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO
from urllib.parse import parse_qs, quote, urlsplit

from config import servers

BASE_DIR = Path(__file__).resolve().parent.parent
OPEN_DIR = Path("/var/tmp")  # noqa: S108  (open to everybody, and kept over a restart)
SHORT_DIR = Path("/tmp")  # noqa: S108  (the owner of what lies there is checked)
KEEPER = "keeper.lock"  # held by the keeper (see `config.servers`) for as long as it lives


class ServersDoNotStart(Exception):
    """The embedded servers don't start; the message ends with what they said."""


def data_dir() -> Path:
    """Where the servers keep their files: `NODROP_DATA`, or `.nodrop` in the checkout.

    Not in the checkout when we are root (PostgreSQL then runs as `nobody`, who can't enter a closed
    home folder, and opening that is not ours to do) or when it is somebody else's.
    """
    chosen = os.environ.get("NODROP_DATA")
    if chosen:
        return Path(chosen).absolute()
    if os.geteuid() == 0 or not os.access(BASE_DIR, os.W_OK):
        return OPEN_DIR / _name(BASE_DIR)
    return BASE_DIR / ".nodrop"


def socket_dir() -> Path:
    """A short path: the kernel allows about 100 bytes, and a checkout may lie deep."""
    return SHORT_DIR / _name(data_dir())


def database_url() -> str:
    return f"postgres://postgres@{quote(str(socket_dir()), safe='')}/{servers.DATABASE}"


def redis_url(db: int = 0) -> str:
    """For Django's cache and for channels-redis."""
    return f"unix://{servers.Valkey(data_dir(), socket_dir()).socket}?db={db}"


def celery_url(url: str) -> str:
    """The same place in Celery's spelling, which differs for a Unix socket."""
    if not url.startswith("unix://"):
        return url
    parts = urlsplit(url)
    db = parse_qs(parts.query).get("db", ["0"])[0]
    return f"redis+socket://{parts.path}?virtual_host={db}"


def wanted() -> bool:
    return not (os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"))


class ServersInUse(Exception):
    """Their data can't be deleted now."""


@contextmanager
def lease(*, throwaway: bool = False) -> Iterator[int | None]:
    """Have both servers up; gives the lease's file descriptor, or None where addresses are set.

    A process that inherits the descriptor shares the lease. A `throwaway` lease's data is deleted
    at the end, and until then nobody waits for the disk: for tests. Raises ServersDoNotStart.
    """
    if not wanted():
        yield None
        return
    data, sockets = data_dir(), socket_dir()
    prepare(data)
    try:
        with (data / servers.LEASES).open("a") as leases:
            fcntl.flock(leases, fcntl.LOCK_SH)
            _ensure_started(data, sockets, throwaway=throwaway)
            yield leases.fileno()
    finally:
        _wait_if_last(data)


def remove() -> None:
    """Delete the servers' data; raises ServersInUse while somebody uses them."""
    data = data_dir()
    if not data.exists():
        return
    with (data / KEEPER).open("a") as keeper:
        if not _locks(keeper, fcntl.LOCK_EX):
            raise ServersInUse(f"the servers of {data} are in use: end those who use them first")
        shutil.rmtree(data)


def prepare(data: Path) -> None:
    """Make the servers' folders; raises ServersDoNotStart where PostgreSQL could not enter them."""
    # `nobody` must pass through to a folder of its own.
    mode = 0o711 if os.geteuid() == 0 else 0o700
    for folder in (data, data / "postgres", data / "valkey"):
        _make(folder, mode)
    if os.geteuid() == 0:
        _refuse_closed_parents(data)


def _make(folder: Path, mode: int) -> None:
    if not folder.exists():
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(mode)


def _refuse_closed_parents(folder: Path) -> None:
    closed = [parent for parent in folder.parents if not parent.stat().st_mode & 0o001]
    if closed:
        raise ServersDoNotStart(
            f"{closed[0]} is closed to others, and PostgreSQL can't run as root: "
            "set NODROP_DATA to a folder that everybody may enter, such as one in /var/tmp"
        )


def _ensure_started(data: Path, sockets: Path, *, throwaway: bool) -> None:
    """Start a keeper unless one lives; the kernel frees the lock of one that was killed."""
    log = data / "keeper.log"
    started = False
    deadline = time.monotonic() + servers.START_SECONDS
    while True:
        with (data / KEEPER).open("a") as keeper:
            if _locks(keeper, fcntl.LOCK_EX):
                if started:
                    raise ServersDoNotStart(log.read_text()[-4000:])
                (data / servers.READY).unlink(missing_ok=True)
                _start_keeper(keeper, data, sockets, log, throwaway=throwaway)
                started = True
        if (data / servers.READY).exists():
            return
        if time.monotonic() > deadline:
            raise ServersDoNotStart(f"not ready in {servers.START_SECONDS} s, see {log}")
        time.sleep(0.05)


def _start_keeper(lock: IO[str], data: Path, sockets: Path, log: Path, *, throwaway: bool) -> None:
    """The keeper inherits the lock and with it keeps others from starting a second one."""
    command = [sys.executable, "-P", servers.__file__, str(data), str(sockets)]
    with log.open("w") as output:
        subprocess.run(
            [*command, "throwaway"] if throwaway else command,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            pass_fds=[lock.fileno()],
        )


def _wait_if_last(data: Path) -> None:
    """Return when the servers are stopped, or at once when somebody else uses them."""
    deadline = time.monotonic() + 2 * servers.STOP_SECONDS
    with suppress(FileNotFoundError):  # a throwaway folder is gone when its keeper is done
        while time.monotonic() < deadline and not _is_settled(data):
            time.sleep(0.02)


def _is_settled(data: Path) -> bool:
    with (data / KEEPER).open() as keeper, (data / servers.LEASES).open() as leases:
        if _locks(keeper, fcntl.LOCK_EX):
            return True  # it has ended
        if _locks(leases, fcntl.LOCK_EX):
            return False  # nobody has a lease: the keeper is about to see it
        return _locks(leases, fcntl.LOCK_SH)  # others share it; if not, the keeper is stopping


def _locks(file: IO[str], operation: int) -> bool:
    try:
        fcntl.flock(file, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _name(path: Path) -> str:
    digest = hashlib.sha256(str(path).encode()).hexdigest()[:12]
    return f"nodrop-{os.geteuid()}-{digest}"
