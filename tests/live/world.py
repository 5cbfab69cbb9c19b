"""One whole Nodrop in real processes: shop, worker, beat and wallet, over a Valkey of its own."""

import datetime as dt
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
import psycopg2
import redis
import requests
from standardwebhooks import Webhook

from config import embedded, servers
from config.processes import Processes, free_ports
from payments.channels.sandbox.settings import MERCHANT, WEBHOOK_SECRET
from proof.soak.proxy import Fault, Link, Links, Target
from tests.accounts import QUERY, Account

SETTINGS = {
    "NODROP_CONSULT_SCHEDULE": "2,4,6,10,20,60",
    "NODROP_REFUND_SCHEDULE": "2,4,6,10,20,60",
    "NODROP_CHANNEL_TIMEOUT": "1",
    "NODROP_SANDBOX_RETRIES": "1,1,1,1,1,2,2,2,2,2",
    "NODROP_SANDBOX_QUERY_LIMIT": "0",
    "NODROP_SANDBOX_SEED": "1",
    "NODROP_NOTIFY_PRIVATE": "1",  # receivers of tests are on loopback
    "NODROP_PUSH_URL": "ws://push.example",  # tickets are given; nobody is there
}
# What ops might set in the admin, so that a test needn't wait for a minute: seconds, by task.
PERIODS = {
    "workers.sync_payment_result": 3,
    "workers.relay_due": 1,
    "workers.announce_due": 5,
    "workers.close_due": 1,
    "workers.refund_due": 1,
    "workers.notify_due": 1,
    "workers.message_due": 1,
    "workers.watch": 5,
}
LEASES = {
    "payments_payment": "consult_due_at",
    "payments_paymentevent": "relay_due_at",
    "payments_refund": "consult_due_at",
    "payments_refundevent": "relay_due_at",
    "orders_order": "close_due_at",
    "orders_message": "due_at",
    "orders_endpoint": "lease_until",
}
SIGNED = "CASE entry WHEN 'refund' THEN -amount ELSE amount END"
PREPARE = """
import django
django.setup()
from django.core.management import call_command
for command in ("migrate", "seed", "sync_beat"):
    call_command(command, verbosity=0)
from django_celery_beat.models import IntervalSchedule, PeriodicTask
for task, every in {periods}.items():
    interval, _ = IntervalSchedule.objects.get_or_create(every=every, period="seconds")
    PeriodicTask.objects.filter(task=task).update(interval=interval, expire_seconds=60)
"""
PATIENCE = 40.0  # seconds


class Broker:
    """A Valkey that a test may stop, start and flush."""

    def __init__(self) -> None:
        # A short path: the kernel allows a socket about 100 bytes.
        self._folder = Path(tempfile.mkdtemp(prefix="nodrop-live-", dir="/tmp"))
        self._valkey = servers.Valkey(self._folder, self._folder)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> str:
        return str(self._valkey.socket)

    @property
    def url(self) -> str:
        return f"unix://{self.socket}?db=0"

    def start(self) -> None:
        self._process = self._valkey.start()

    def stop(self) -> None:
        if self._process is not None:
            servers.stop(self._process)
            self._process = None

    def flush(self) -> None:
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self._folder)


@dataclass
class Purchase:
    """One shopper's app, and what she does in the wallet."""

    world: "World"
    order_no: str
    token: str
    key: str = field(default_factory=lambda: str(uuid.uuid4()))
    payment_no: str = ""
    pay_url: str = ""

    def start(self) -> requests.Response:
        """Start the payment; the wallet's page is only known when the channel has answered."""
        answer = self.world.http.post(
            f"{self.world.web}/api/v1/orders/{self.order_no}/payments",
            json={"channel": "sandbox"},
            headers={"X-Order-Token": self.token},
            timeout=10,
        )
        if answer.ok:
            self.payment_no = answer.json()["payment_no"]
            self.pay_url = (answer.json()["action"] or {}).get("url", "")
        return answer

    def pay(self) -> None:
        """Press *pay* on the wallet's page; she then closes the browser."""
        answer = self.world.http.post(
            self.pay_url, data={"action": "pay"}, timeout=10, allow_redirects=False
        )
        assert answer.status_code == 303, answer.text

    def poll(self) -> dict[str, Any]:
        answer = self.world.http.get(
            f"{self.world.web}/api/v1/payments/{self.payment_no}/status",
            headers={"X-Order-Token": self.token},
            timeout=10,
        )
        answer.raise_for_status()
        return answer.json()

    def cancel(self) -> str:
        """Cancel the order; its status as the shop then says."""
        answer = self.world.http.post(
            f"{self.world.web}/api/v1/orders/{self.order_no}/cancel",
            headers={"X-Order-Token": self.token},
            timeout=20,
        )
        return answer.json()["status"] if answer.ok else answer.json()["type"]

    def shopper(self, deed: str) -> int:
        """A deed in the wallet by the payment's number, such as `pay_late`; the HTTP status."""
        url = f"{self.world.parts.url('wallet')}/shopper/{self.payment_no}/{deed}"
        return self.world.http.post(url, timeout=10).status_code

    def faults(self, **switches: Any) -> None:
        """Exactly these of the wallet's fault switches for this payment."""
        self.world.wallet("PUT", f"/faults/{self.payment_no}", json=switches)

    def callback(self, **changed: Any) -> tuple[dict[str, str], bytes]:
        """Headers and body of a signed callback that says paid, with `changed` values."""
        bill = self.world.ledger()[self.payment_no]
        values = {
            "type": "payment.paid",
            "payment_no": self.payment_no,
            "bill_no": bill["bill_no"],
            "state": "paid",
            "amount": bill["amount"],
            "currency": bill["currency"],
            "merchant": MERCHANT,
            "paid_at": dt.datetime.now(dt.UTC).isoformat(),
        }
        return signed(json.dumps(values | changed))

    def row(self, columns: str) -> tuple[Any, ...]:
        """Columns of the payment."""
        query = f"SELECT {columns} FROM payments_payment WHERE payment_no = %s"
        return self.world.rows(query, self.payment_no)[0]

    def last_source(self) -> str:
        """Which path brought the payment's last news."""
        return self.world.rows(
            "SELECT e.source FROM payments_paymentevent e JOIN payments_payment p"
            " ON p.id = e.payment_id WHERE payment_no = %s ORDER BY seq DESC LIMIT 1",
            self.payment_no,
        )[0][0]

    def outcome(self) -> tuple[str, str, list[str], int]:
        """Status of payment and order, the order's ledger, and how often the payment succeeded."""
        query = """
            SELECT p.status, o.status,
                array(SELECT entry::text FROM orders_ledgerentry WHERE order_id = o.id ORDER BY id),
                (SELECT count(*) FROM payments_paymentevent
                    WHERE payment_id = p.id AND to_status = 'succeeded')
            FROM payments_payment p JOIN orders_order o USING (order_no) WHERE payment_no = %s
            """
        found = self.world.rows(query, self.payment_no)
        return found[0] if found else ("", "", [], 0)


PAID_ONCE = ("succeeded", "paid", ["applied"], 1)


class World:
    """The running parts, and questions to them."""

    def __init__(
        self,
        parts: Processes,
        broker: Broker,
        database: psycopg2.extensions.connection,
        links: dict[str, Link],
    ) -> None:
        self.parts = parts
        self.broker = broker
        self.links = links
        self._database = database
        self.http = requests.Session()
        self.http.trust_env = False
        adapter = requests.adapters.HTTPAdapter(pool_maxsize=40)
        self.http.mount("http://", adapter)

    @property
    def web(self) -> str:
        return self.parts.url("web")

    def order(self, key: str = "") -> Purchase:
        """Place an order of one umbrella as a guest."""
        answer = self.http.post(
            f"{self.web}/api/v1/orders",
            json={"lines": [{"sku": "umbrella", "quantity": 1}]},
            headers={"Idempotency-Key": key or str(uuid.uuid4())},
            timeout=10,
        )
        answer.raise_for_status()
        return Purchase(self, answer.json()["order_no"], answer.json()["token"])

    def buy(self, **faults: Any) -> Purchase:
        """Order, start the payment, and set its faults; the wallet waits for the shopper."""
        purchase = self.order()
        # On a busy machine the wallet's first answer may be lost; who pays again has it repeated.
        assert eventually(lambda: purchase.start().status_code, 201)
        purchase.faults(**faults)
        return purchase

    def wallet(self, method: str, path: str, **options: Any) -> requests.Response:
        answer = self.http.request(method, self.parts.url("wallet") + path, timeout=10, **options)
        answer.raise_for_status()
        return answer

    def ledger(self) -> dict[str, dict[str, Any]]:
        """What the wallet truly took, by payment."""
        bills = self.wallet("GET", "/ledger.json").json()["bills"]
        return {bill["payment_no"]: bill for bill in bills}

    def call_back(self, headers: dict[str, str], body: bytes | Iterator[bytes]) -> int:
        url = f"{self.web}/callbacks/sandbox/"
        return self.http.post(url, data=body, headers=headers, timeout=20).status_code

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with self._database.cursor() as cursor:
            cursor.execute(query, values)
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def trouble(self, way: str, fault: Fault) -> Iterator[Link]:
        """A fault of the network between two parts, such as `web>wallet`."""
        link = self.links[way]
        link.strike(fault)
        try:
            yield link
        finally:
            link.heal()

    def lease_is_over(self, purchase: Purchase) -> None:
        """The 90 seconds for which nobody else asks about this payment have passed."""
        self.rows(
            "UPDATE payments_payment SET consult_due_at = consult_due_at - interval '90 seconds'"
            " WHERE payment_no = %s AND consult_due_at IS NOT NULL",
            purchase.payment_no,
        )

    def end_alike(self, *purchases: Purchase, outcome: object = PAID_ONCE) -> bool:
        """Wait until all ended so; the assertion that follows a False shows how they stand."""
        return eventually(
            lambda: [each.outcome() for each in purchases], [outcome] * len(purchases)
        )

    def leases_are_over(self) -> None:
        """Everything that somebody had taken on and not finished is due again."""
        for table, column in LEASES.items():
            self.rows(
                f"UPDATE {table} SET {column} = now() WHERE {column} > now()"
                f" AND {column} < now() + interval '100 seconds'"
            )

    def its_time_is_over(self, purchase: Purchase) -> None:
        """Half an hour has passed for this order."""
        self.rows(
            "UPDATE orders_order SET expires_at = now(), close_due_at = now() WHERE order_no = %s",
            purchase.order_no,
        )

    def a_minute_passes(self) -> None:
        """For what the watch has to leave in peace for a minute."""
        self.rows(
            "SET session_replication_role = replica;"
            " UPDATE payments_refund SET settled_at = settled_at - interval '70 seconds';"
            " UPDATE orders_ledgerentry SET recorded_at = recorded_at - interval '70 seconds';"
            " SET session_replication_role = DEFAULT"
        )

    def discrepancies(self) -> list[str]:
        """Payments of which the wallet's ledger and ours say different things: what is left here.

        Of a mispaid payment ours says what the wallet told us, which was not the truth.
        """
        query = f"SELECT payment_no, sum({SIGNED}) FROM orders_ledgerentry GROUP BY 1"
        ours = {number: int(net) for number, net in self.rows(query)}
        mispaid = self.mispaid()
        theirs = {
            number: bill["captured"] - bill["refunded"] for number, bill in self.ledger().items()
        }
        return sorted(
            f"{number}: they hold {theirs.get(number, 0)}, we say {ours.get(number, 0)}"
            for number in (ours.keys() | theirs.keys()) - mispaid
            if theirs.get(number, 0) != ours.get(number, 0)
        )

    def books(self) -> tuple[int, int, int]:
        """What the wallet holds of us, what we have sold, and what we owe back; minor units.

        Of mispaid payments nothing: there the wallet has told us an untruth.
        """
        mispaid = self.mispaid()
        held = sum(
            bill["captured"] - bill["refunded"]
            for number, bill in self.ledger().items()
            if number not in mispaid
        )
        accounts = self.accounts(mispaid)
        return held, sum(each.sold for each in accounts), sum(each.owed for each in accounts)

    def mispaid(self) -> set[str]:
        query = "SELECT payment_no FROM payments_payment WHERE status = 'mispaid'"
        return {number for (number,) in self.rows(query)}

    def accounts(self, left_out: Iterable[str]) -> list[Account]:
        return [Account(*row) for row in self.rows(QUERY, list(left_out))]

    def unbalanced(self) -> list[str]:
        """Orders whose money is not what they say, and what is missing or left over in all."""
        held, sold, owed = self.books()
        odd = [repr(each) for each in self.accounts(self.mispaid()) if not each.is_sound]
        return odd + [f"they hold {held}: {sold} sold, {owed} owed"] * (held != sold + owed)


def signed(body: str) -> tuple[dict[str, str], bytes]:
    """Headers and body as the wallet would send them now."""
    event_id, now = f"evt_{secrets.token_hex(12)}", dt.datetime.now(dt.UTC)
    headers = {
        "content-type": "application/json",
        "webhook-id": event_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(WEBHOOK_SECRET).sign(event_id, now, body),
    }
    return headers, body.encode()


def eventually(ask: Callable[[], Any], wanted: Any = True, *, patience: float = PATIENCE) -> bool:
    """Ask until the answer is `wanted`; raises with the last answer when patience is over."""
    deadline = time.monotonic() + patience
    while (answer := ask()) != wanted:
        if time.monotonic() > deadline:
            raise AssertionError(f"after {patience:g} s it is still {answer!r}, not {wanted!r}")
        time.sleep(0.05)
    return True


@contextmanager
def a_database() -> Iterator[str]:
    """The address of a new database on the tests' server, dropped at the end."""
    server = os.environ.get("DATABASE_URL") or embedded.database_url()
    name = f"live_{secrets.token_hex(4)}"
    with_name = urlsplit(server)._replace(path=f"/{name}").geturl()
    administrator = connect(urlsplit(server)._replace(path="/postgres").geturl())
    with administrator.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    try:
        yield with_name
    finally:
        with administrator.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
        administrator.close()


def connect(url: str) -> psycopg2.extensions.connection:
    place = dj_database_url.parse(url)
    names = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD"}
    values = {name: place[key] for name, key in names.items() if place[key]}
    connection = psycopg2.connect(dbname=place["NAME"], **values)
    connection.autocommit = True
    return connection


@contextmanager
def running(
    folder: Path, *, push: bool = False, env: Mapping[str, str] | None = None
) -> Iterator[World]:
    """Everything up, with an empty database; everything gone at the end. `env` is laid over."""
    broker = Broker()
    with a_database() as database_url, Links() as opened:
        ports = free_ports({})
        links = {way: opened.open(to=to) for way, to in ways(database_url, broker, ports).items()}
        addresses = {"DATABASE_URL": database_url, "REDIS_URL": broker.url}
        env = SETTINGS | addresses | dict(env or {})
        env |= {"NODROP_SANDBOX_DATA": str(folder / "wallet")}
        env["NODROP_PUBLIC_URL"] = f"http://127.0.0.1:{links['wallet>web'].port}"
        if push:  # a browser has to see one address
            env["NODROP_PUBLIC_URL"] = f"http://127.0.0.1:{ports['NODROP_WEB_PORT']}"
            env["NODROP_PUSH_URL"] = f"ws://127.0.0.1:{ports['NODROP_PUSH_PORT']}"
        database = connect(database_url)
        try:
            broker.start()
            own = {part: linked(part, links, database_url) for part in ("web", "worker")}
            with Processes(log_dir=folder, env=env, ports=ports, own=own) as parts:
                prepare(parts)
                for name in ("wallet", "web", *(["push"] if push else []), "worker", "beat"):
                    parts.start(name)
                yield World(parts, broker, database, links)
        finally:
            database.close()
            broker.remove()


def ways(database_url: str, broker: Broker, ports: dict[str, int]) -> dict[str, Target]:
    """The targets of all links, by the ways that they are on."""
    place = dj_database_url.parse(database_url)
    host, port = place["HOST"], place["PORT"] or 5432
    database = f"{host}/.s.PGSQL.{port}" if host.startswith("/") else (host, port)
    wallet = ("127.0.0.1", ports["NODROP_WALLET_PORT"])
    targets = {"wallet>web": ("127.0.0.1", ports["NODROP_WEB_PORT"])}
    for part in ("web", "worker"):
        of_part = {"postgres": database, "valkey": broker.socket, "wallet": wallet}
        targets |= {f"{part}>{name}": target for name, target in of_part.items()}
    return targets


def linked(part: str, links: dict[str, Link], database_url: str) -> dict[str, str]:
    """Where this part finds the others: at the ends of its own links."""
    place = urlsplit(database_url)
    user = place.netloc.rpartition("@")[0]
    database = place._replace(netloc=f"{user}@127.0.0.1:{links[f'{part}>postgres'].port}")
    return {
        "DATABASE_URL": database.geturl(),
        "REDIS_URL": f"redis://127.0.0.1:{links[f'{part}>valkey'].port}/0",
        "NODROP_SANDBOX_URL": f"http://127.0.0.1:{links[f'{part}>wallet'].port}",
    }


def prepare(parts: Processes) -> None:
    """Tables, goods, and beat entries with short periods."""
    subprocess.run(
        [sys.executable, "-c", PREPARE.format(periods=PERIODS)],
        cwd=embedded.BASE_DIR,
        env=parts.env | {"DJANGO_SETTINGS_MODULE": "config.settings"},
        check=True,
        timeout=60,
        stdout=subprocess.DEVNULL,
    )
