"""The sandbox wallet as a real process, for tests."""

import datetime as dt
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

from payments.channels.base import Charge
from payments.channels.sandbox.channel import SandboxChannel
from payments.channels.sandbox.settings import API_KEY, MERCHANT, WEBHOOK_SECRET

ROOT = Path(__file__).resolve().parents[3]

_IN_TWO_HOURS = dt.datetime.now(dt.UTC) + dt.timedelta(hours=2)


class Wallet:
    """One wallet process over one data folder; `with Wallet(folder) as wallet` starts and stops it.

    `options` are those of the command line, for example `retries="0.1,0.1"` or `query_limit=5`.
    A restarted wallet keeps its port, its ledger and its switches.
    """

    def __init__(self, data: Path, **options: object) -> None:
        self._data = data
        self._options = {"early_statements": 1, "seed": 1, "query_limit": 0} | options
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._session = requests.Session()
        self._session.trust_env = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> "Wallet":
        port_file = self._data / "port"
        port_file.unlink(missing_ok=True)
        self._data.mkdir(parents=True, exist_ok=True)
        options = {"data": self._data, "port": self._port, "port_file": port_file} | self._options
        flags = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("NODROP_")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "payments.channels.sandbox.server", *flags],
            cwd=ROOT,
            env=environment,
        )
        self._await_port(port_file)
        return self

    def stop(self) -> None:
        """Ask it to end, as a deploy would."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it without a word."""
        self._end(signal.SIGKILL)

    def __enter__(self) -> "Wallet":
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.stop()
        self._session.close()

    def channel(self, **options: Any) -> SandboxChannel:
        """The adapter for this wallet; `options` replace its arguments."""
        arguments = {
            "name": "sandbox",
            "base_url": self.url,
            "merchant": MERCHANT,
            "api_key": API_KEY,
            "webhook_secret": WEBHOOK_SECRET,
        }
        return SandboxChannel(**arguments | options)

    def set_faults(self, *, payment_no: str = "", **faults: Any) -> None:
        """Turn on exactly these, for all payments or one: a probability, or a dict of options."""
        path = f"/faults/{payment_no}" if payment_no else "/faults"
        self.call("PUT", path, json=faults)

    def clear_faults(self) -> None:
        """Turn every switch off."""
        self.call("DELETE", "/faults")

    def pay(self, payment_no: str) -> None:
        """Pay as the shopper; `requests.HTTPError` if the bill can't be paid (any more)."""
        self.call("POST", f"/shopper/{payment_no}/pay")

    def cancel(self, payment_no: str) -> None:
        """Cancel as the shopper."""
        self.call("POST", f"/shopper/{payment_no}/cancel")

    def decline(self, payment_no: str) -> None:
        """Be declined as the shopper."""
        self.call("POST", f"/shopper/{payment_no}/decline")

    def pay_late(self, payment_no: str) -> None:
        """Take the money for a bill that was closed."""
        self.call("POST", f"/shopper/{payment_no}/pay_late")

    def charge_again(self, payment_no: str) -> None:
        """Take the money of a paid bill once more."""
        self.call("POST", f"/shopper/{payment_no}/charge_again")

    def ledger(self) -> dict[str, dict[str, Any]]:
        """The truth: every bill by its payment_no, with `state`, `captured` and `refunded`."""
        bills = self.call("GET", "/ledger.json").json()["bills"]
        return {bill["payment_no"]: bill for bill in bills}

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        """Any HTTP call; raises for 4xx and 5xx."""
        response = self._session.request(method, self.url + path, timeout=10, **options)
        response.raise_for_status()
        return response

    def _await_port(self, port_file: Path) -> None:
        give_up_at = time.monotonic() + 20
        while time.monotonic() < give_up_at:
            if self._process and self._process.poll() is not None:
                raise RuntimeError(f"the wallet ended with {self._process.returncode}")
            if port_file.exists():
                self._port = int(port_file.read_text())
                return
            time.sleep(0.02)
        self.kill()
        raise RuntimeError("the wallet did not start within 20 seconds")

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


def eventually(ask: Callable[[], object], wanted: object) -> None:
    """Ask until the answer is the one that is wanted; fails after ten seconds."""
    give_up_at = time.monotonic() + 10
    while (found := ask()) != wanted:
        assert time.monotonic() < give_up_at, f"still {found}"
        time.sleep(0.1)


def a_charge(payment_no: str, *, notify_url: str = "http://127.0.0.1:9/", **changes: Any) -> Charge:
    """A charge of 12.99 EUR; the same arguments give the same charge, as a replay needs it."""
    values: dict[str, Any] = {
        "payment_no": payment_no,
        "idempotency_key": f"key-{payment_no}",
        "amount": 1299,
        "currency": "EUR",
        "subject": "Two cups",
        "expires_at": _IN_TWO_HOURS,
        "return_url": "http://127.0.0.1:9/back",
        "notify_url": notify_url,
    }
    return Charge(**values | changes)
