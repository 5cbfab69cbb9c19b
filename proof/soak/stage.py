"""Everything that runs: servers, parts, and a link between any two of them. All of it throwaway."""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2
import redis

from config import embedded, servers
from config.processes import PartDoesNotStart, Processes, free_ports
from proof.soak.proxy import Link, Links

PARTS = {
    "wallet": "wallet",
    "web": "web",
    "worker-1": "worker",
    "worker-2": "worker",
    "relay": "worker",
    "beat": "beat",
}
WORKERS = ("worker-1", "worker-2", "relay")
OURS = ("web", *WORKERS, "beat")  # all but the wallet
ASKERS = ("web", "worker-1", "worker-2")  # those who call the wallet
# Every half minute for as long as a soak may last: no payment waits for an hour after the storm.
ASKED_AT = [3, 6, 10, 20, *range(30, 4 * 3600, 30)]
SETTINGS = {
    "NODROP_WEB_WORKERS": "2",
    "NODROP_CONSULT_SCHEDULE": ",".join(map(str, ASKED_AT)),
    "NODROP_REFUND_SCHEDULE": ",".join(map(str, ASKED_AT)),
    "NODROP_ORDER_EXPIRES_AFTER": "90",
    "NODROP_CHANNEL_TIMEOUT": "3",
    "NODROP_API_LIMITS": "0",  # all shoppers come from one address
    "NODROP_SANDBOX_RETRIES": ",".join(["1", "2", "5", *["15"] * 200]),
    "NODROP_SANDBOX_EARLY_STATEMENTS": "1",
    "NODROP_SANDBOX_QUERY_LIMIT": "50",
}
# Seconds, by beat's task: what ops might set, so that a storm of minutes holds many rounds.
PERIODS = {
    "workers.sync_payment_result": 10,
    "workers.relay_due": 2,
    "workers.announce_due": 5,
    "workers.close_due": 3,
    "workers.refund_due": 3,
    "workers.notify_due": 5,
    "workers.watch": 10,
}


class Store:
    """PostgreSQL and Valkey with data of their own, over a Unix socket; the links go there."""

    def __init__(self, folder: Path) -> None:
        self.sockets = Path(tempfile.mkdtemp(prefix="nodrop-soak-", dir=embedded.SHORT_DIR))
        servers.make_socket_folder(self.sockets)
        # Durable: a restart in immediate mode must find all that was committed.
        self._servers: dict[str, servers.Postgres | servers.Valkey] = {
            "postgres": servers.Postgres(folder / "postgres", self.sockets, durable=True),
            "valkey": servers.Valkey(folder / "valkey", self.sockets),
        }
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def database_url(self) -> str:
        place = str(self.sockets).replace("/", "%2F")
        return f"postgres://postgres@{place}/{servers.DATABASE}"

    @property
    def redis_url(self) -> str:
        return f"unix://{self.sockets / 'valkey.sock'}?db=0"

    def start(self, name: str) -> None:
        """Start one of the two and wait until it answers; nothing where it runs already."""
        running = self._running.get(name)
        if running is None or running.poll() is not None:
            self._running[name] = self._servers[name].start()

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal; SIGQUIT ends PostgreSQL in its immediate mode."""
        self._running[name].send_signal(number)

    def stop(self, name: str) -> None:
        """Stop one of the two."""
        self._running[name].send_signal(signal.SIGCONT)
        servers.stop(self._running[name])

    def wait(self, name: str) -> None:
        """Until it has ended, of a signal."""
        self._running[name].wait(servers.STOP_SECONDS)

    def redis(self) -> redis.Redis:
        """A client of its own: not over a link."""
        return redis.Redis.from_url(self.redis_url, socket_timeout=5)

    def sql(self, statement: str) -> None:
        """One statement, not over a link."""
        connection = psycopg2.connect(
            host=str(self.sockets), user="postgres", dbname=servers.DATABASE, connect_timeout=5
        )
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
        finally:
            connection.close()

    def remove(self) -> None:
        for name in self._running:
            self.stop(name)
        shutil.rmtree(self.sockets, ignore_errors=True)


@dataclass
class Stage:
    """The running parts by their names, and the links by `from>to`."""

    store: Store
    folder: Path
    parts: dict[str, Processes] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Processes:
        return self.parts[name]

    @property
    def web(self) -> str:
        return self.parts["web"].url("web")

    @property
    def wallet(self) -> str:
        return self.parts["wallet"].url("wallet")

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Signal a part and all that it has started."""
        self.parts[name].kill(PARTS[name], number)

    def pid(self, name: str) -> int:
        return self.parts[name].pid(PARTS[name])

    def deaths(self, name: str) -> int:
        return self.parts[name].deaths(PARTS[name])

    def wait(self, name: str, *, timeout: float = 60) -> bool:
        """Whether a part is ready within so many seconds."""
        try:
            self.parts[name].wait(PARTS[name], timeout=timeout)
        except PartDoesNotStart:
            return False
        return True


@contextlib.contextmanager
def build(*, seed: int) -> Iterator[Stage]:
    """The servers and the links, with no part running; everything is gone at the end."""
    folder = embedded.OPEN_DIR / f"nodrop-soak-{secrets.token_hex(4)}"
    os.environ["NODROP_DATA"] = str(folder)  # of all that is started
    embedded.prepare(folder)
    store = Store(folder)
    with contextlib.ExitStack() as at_end:
        at_end.callback(shutil.rmtree, folder, ignore_errors=True)
        at_end.callback(store.remove)
        for name in ("postgres", "valkey"):
            store.start(name)
        stage = Stage(store, folder)
        _link(stage, at_end.enter_context(Links()), seed)
        for processes in stage.parts.values():
            at_end.enter_context(processes)
        yield stage


def _link(stage: Stage, links: Links, seed: int) -> None:
    """A link for each way that something of ours goes; the parts know no other address."""
    ports = free_ports({})
    wallet = ("127.0.0.1", ports["NODROP_WALLET_PORT"])
    web = ("127.0.0.1", ports["NODROP_WEB_PORT"])
    for name in OURS:
        postgres = str(stage.store.sockets / ".s.PGSQL.5432")
        stage.links[f"{name}>postgres"] = links.open(to=postgres)
        stage.links[f"{name}>valkey"] = links.open(to=str(stage.store.sockets / "valkey.sock"))
        if name in ASKERS:
            stage.links[f"{name}>wallet"] = links.open(to=wallet)
    stage.links["wallet>web"] = links.open(to=web)
    for name in PARTS:
        env = SETTINGS | _addresses(stage, name) | {"NODROP_SANDBOX_SEED": str(seed)}
        log_dir = stage.folder / "logs" / name
        stage.parts[name] = Processes(env=env, log_dir=log_dir, ports=ports)


def _addresses(stage: Stage, name: str) -> dict[str, str]:
    if name == "wallet":  # which has a file of its own; but nothing here starts further servers
        addresses = {"DATABASE_URL": stage.store.database_url, "REDIS_URL": stage.store.redis_url}
        return addresses | {"NODROP_SANDBOX_DATA": str(stage.folder / "wallet")}
    ports = {way: link.port for way, link in stage.links.items()}
    queues = "relay" if name == "relay" else "consults,sweeps,refunds,notifications,statements"
    return {
        "DATABASE_URL": f"postgres://postgres@127.0.0.1:{ports[f'{name}>postgres']}/nodrop",
        "REDIS_URL": f"redis://127.0.0.1:{ports[f'{name}>valkey']}/0",
        "NODROP_SANDBOX_URL": f"http://127.0.0.1:{ports.get(f'{name}>wallet', 1)}",
        "NODROP_PUBLIC_URL": f"http://127.0.0.1:{ports['wallet>web']}",
        "NODROP_WORKER_QUEUES": queues,
    }


def forget_the_shell() -> None:
    """What the developer's own shell has set is not the soak's business."""
    for name in list(os.environ):
        if name.startswith("NODROP_") or name in ("DATABASE_URL", "REDIS_URL"):
            del os.environ[name]
