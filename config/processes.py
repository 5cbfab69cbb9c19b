"""Runs the parts as processes of their own, for the demo and the live tests.

    with Processes(env={...}, log_dir=folder) as parts:
        parts.start("web")

A part that dies is started again, as systemd's `Restart=always` would. Whatever ends the block, and
however this process dies, no part is left running.
"""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from config import embedded
from config.run import PARTS, VARIABLES, is_healthy

RESTART_DELAY = 0.5  # seconds


class PartDoesNotStart(Exception):
    """A part died or wasn't ready in time; the message ends with what it said last."""


class Processes:
    """The parts of one Nodrop. `env` is laid over this process's environment, and what `own` says
    of a part over both.

    Ports are those of `ports` (by variable), else the environment's, else any that are free.
    """

    def __init__(
        self,
        *,
        log_dir: Path,
        env: Mapping[str, str] | None = None,
        ports: Mapping[str, int] | None = None,
        own: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        given = {**os.environ, **(env or {})}
        chosen = free_ports(given) | dict(ports or {})
        self.env = given | {name: str(port) for name, port in chosen.items()}
        self.log_dir = log_dir
        self._own = own or {}
        self._runners: dict[str, _Runner] = {}

    def start(self, name: str, *, restart: bool = True, timeout: float = 60) -> None:
        """Start a part and wait until it is ready; raises PartDoesNotStart."""
        self.stop(name)
        self.log_dir.mkdir(parents=True, exist_ok=True)
        own = self._own.get(name, {})
        runner = _Runner(name, self.env, own, self.log_dir / f"{name}.log", restart=restart)
        self._runners[name] = runner
        runner.start()
        try:
            self.wait(name, timeout=timeout, may_die=False)
        except BaseException:
            self.stop(name)
            raise

    def wait(self, name: str, *, timeout: float = 60, may_die: bool = True) -> None:
        """Wait until a part is ready, again after a kill when it `may_die`."""
        runner = self._runners[name]
        deadline = time.monotonic() + timeout
        while not self._is_ready(name):
            if runner.deaths and (not may_die or not runner.restart):
                raise PartDoesNotStart(f"{name} died at its start:\n{runner.tail()}")
            if time.monotonic() > deadline:
                raise PartDoesNotStart(f"{name} isn't ready in {timeout:g} s:\n{runner.tail()}")
            time.sleep(0.05)

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to a part and to all that it has started, as a machine that dies would."""
        self._runners[name].signal_group(number)

    def stop(self, name: str | None = None, *, grace: float = 30) -> None:
        """Stop one part, or all of them: politely, and after `grace` seconds by force."""
        names = [name] if name else list(self._runners)
        runners = [self._runners.pop(each) for each in names if each in self._runners]
        for runner in runners:
            runner.ask_to_stop()
        deadline = time.monotonic() + grace
        for runner in runners:
            runner.join(max(0.0, deadline - time.monotonic()))
            if runner.is_alive():
                runner.signal_group(signal.SIGKILL)
                runner.join()

    def pid(self, name: str) -> int:
        process = self._runners[name].process
        assert process is not None  # noqa: S101  (start() returns after it was spawned)
        return process.pid

    def deaths(self, name: str) -> int:
        """How often the part has died since it was started."""
        return self._runners[name].deaths

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.env[PARTS[name].port]}"

    def log(self, name: str) -> str:
        return (self.log_dir / f"{name}.log").read_text(errors="replace")

    def _is_ready(self, name: str) -> bool:
        runner, part = self._runners[name], PARTS[name]
        if not runner.is_running():
            return False
        if part.says:
            return re.search(part.says, runner.said()) is not None
        return is_healthy(name, self.env)

    def __enter__(self) -> Self:
        # SIGTERM's default would end us without a word to the parts.
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGTERM, _exit)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._before)


class _Runner(threading.Thread):
    """Runs one part. Linux ends a part with the thread that started it, so the thread stays."""

    def __init__(
        self, name: str, env: Mapping[str, str], own: Mapping[str, str], log: Path, *, restart: bool
    ) -> None:
        super().__init__(name=name, daemon=True)
        self.env, self.own, self.log, self.restart = env, own, log, restart
        self.process: subprocess.Popen[bytes] | None = None
        self.deaths = 0
        self._log_start = 0
        self._stopping = threading.Event()
        self._lock = threading.Lock()

    def run(self) -> None:
        while process := self._spawn():
            process.wait()
            self.signal_group(signal.SIGKILL)  # children that outlived their parent
            self.deaths += 1
            if not self.restart:
                return
            self._stopping.wait(RESTART_DELAY)

    def _spawn(self) -> subprocess.Popen[bytes] | None:
        with self._lock, self.log.open("ab") as log:
            if self._stopping.is_set():
                return None
            self._log_start = log.tell()
            self.process = subprocess.Popen(
                [sys.executable, "-m", "config.run", "--parent", str(os.getpid()), self.name],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=embedded.BASE_DIR,
                env={**self.env, **self.own},  # read anew: they may have changed
                start_new_session=True,  # a group of its own, out of reach of the terminal's Ctrl-C
            )
            return self.process

    def ask_to_stop(self) -> None:
        with self._lock:
            self._stopping.set()
            if self.process is not None and self.process.poll() is None:
                self.process.terminate()

    def signal_group(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            if self.process is not None:
                os.killpg(self.process.pid, number)

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def said(self) -> str:
        """What the part's present process has written."""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-40:])


def free_ports(given: Mapping[str, str]) -> dict[str, int]:
    """A free port for each part that listens and has none in `given`."""
    missing = [part.port for part in PARTS.values() if part.port and not given.get(part.port)]
    with contextlib.ExitStack() as held:  # all at once, so that they differ
        return {name: held.enter_context(_listen(0)).getsockname()[1] for name in missing}


def usual_ports(given: Mapping[str, str]) -> dict[str, int]:
    """The same, but the ports that `.env.example` names wherever they are free."""
    ports = free_ports(given)
    for name in ports:
        with contextlib.suppress(OSError), _listen(int(VARIABLES[name])):
            ports[name] = int(VARIABLES[name])
    return ports


def _listen(port: int) -> socket.socket:
    return socket.create_server(("127.0.0.1", port))


def _exit(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)
