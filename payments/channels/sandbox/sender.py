"""The part of the wallet that calls the shop."""

import datetime as dt
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import requests
from standardwebhooks import Webhook

from payments.channels.sandbox.board import Board
from payments.channels.sandbox.callbacks import Attempt, Delivery, Outbox

_AT_ONCE = 32
_NAP = 0.05  # seconds between two looks when nothing was due


class Chore(Protocol):
    """Does what is due at `now`."""

    def __call__(self, *, now: float) -> None: ...


class Sender:
    """A thread that finds due callbacks and lets a pool send them.

    It does the wallet's `chores` as well: what the clock brings about, which callbacks tell of.
    """

    def __init__(
        self,
        *,
        outbox: Outbox,
        chores: Sequence[Chore],
        board: Board,
        secret: str,
        timeout: float,
    ) -> None:
        self._outbox = outbox
        self._chores = chores
        self._board = board
        self._webhook = Webhook(secret)
        self._timeout = timeout
        self._stopping = threading.Event()
        self._free = threading.Semaphore(_AT_ONCE)
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="callback")
        self._copies = ThreadPoolExecutor(_AT_ONCE * 2, thread_name_prefix="copy")
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)

    def start(self) -> None:
        """Begin to send, with whatever was left over from the last run."""
        self._thread.start()

    def stop(self) -> None:
        """Stop between two callbacks; what is not sent stays due."""
        self._stopping.set()
        self._thread.join()
        self._pool.shutdown(cancel_futures=True)
        self._copies.shutdown(cancel_futures=True)

    def _run(self) -> None:
        while not self._stopping.is_set():
            now = time.time()
            for chore in self._chores:
                chore(now=now)
            if not self._start_due(now):
                self._stopping.wait(_NAP)

    def _start_due(self, now: float) -> int:
        room = 0
        while room < _AT_ONCE and self._free.acquire(blocking=False):
            room += 1
        due = self._outbox.claim(now=now, limit=room) if room else []
        for _ in range(room - len(due)):
            self._free.release()
        for delivery in due:
            self._pool.submit(self._deliver, delivery)
        return len(due)

    def _deliver(self, delivery: Delivery) -> None:
        try:
            if self._board.strikes("down", delivery.payment_no, "callback"):
                self._outbox.postpone(delivery, until=time.time() + 1)
                return
            if delivery.copies == 1:
                attempts = [self._post(delivery)]
            else:
                attempts = list(self._copies.map(self._post, [delivery] * delivery.copies))
            self._outbox.settle(delivery, attempts, now=time.time())
        finally:
            self._free.release()

    def _post(self, delivery: Delivery) -> Attempt:
        """Send one copy."""
        started = time.time()
        try:
            with requests.Session() as session:
                session.trust_env = False
                response = session.post(
                    delivery.url,
                    data=delivery.body.encode(),
                    headers=self._headers(delivery, started),
                    timeout=self._timeout,
                    allow_redirects=False,
                )
            taken, answer = 200 <= response.status_code < 300, f"HTTP {response.status_code}"
        except requests.RequestException as exc:
            taken, answer = False, type(exc).__name__
        seconds = round(time.time() - started, 4)
        return Attempt(at=started, seconds=seconds, answer=answer, taken=taken)

    def _headers(self, delivery: Delivery, at: float) -> dict[str, str]:
        signed_at = dt.datetime.fromtimestamp(int(at), dt.UTC)
        return {
            "content-type": "application/json",
            "user-agent": "nodrop-sandbox-wallet",
            "webhook-id": delivery.event_id,
            "webhook-timestamp": str(int(at)),
            "webhook-signature": self._webhook.sign(delivery.event_id, signed_at, delivery.body),
        }
