"""Prints a payment's timeline as it grows, with a countdown to the next consult."""

import sys
import time
from collections.abc import Callable

from django.utils import timezone

from demo.shopper import Purchase
from payments.models import Payment
from payments.states import Verdict
from payments.timeline import Entry, Kind, timeline

LOOK_EVERY = 0.1  # seconds
LONGEST_STEP = 75.0  # seconds between two consults of a payment as young as the demo's
PLAIN_EVERY = 5.0  # seconds between two countdown lines where lines can't be rewritten


class Screen:
    """The timeline of one purchase on the terminal; times are seconds since its start."""

    def __init__(self, purchase: Purchase) -> None:
        self.purchase = purchase
        self.payment = Payment.objects.get(payment_no=purchase.payment_no)
        self._shown: set[tuple[str, object]] = set()
        self._rewrites = sys.stdout.isatty()
        self._last_plain = 0.0

    def say(self, text: str) -> None:
        """Something that happens outside of Nodrop, in its place in time."""
        self.show()
        self._line(timezone.now(), f"— {text}")

    def watch(self, *, until: Callable[[], bool], patience: float) -> bool:
        """Print what happens until `until` holds; False when it doesn't within so many seconds."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            done = until()
            self.show()
            if done:
                return True
            self._count_down()
            time.sleep(LOOK_EVERY)
        return False

    def is_over(self) -> bool:
        """Whether nothing more will happen: the payment has ended, and its order knows."""
        payment = Payment.objects.get(pk=self.payment.pk)
        return not payment.in_fog and not payment.events.filter(relayed_at=None).exists()

    def show(self) -> None:
        """Print the entries that are new."""
        for entry in timeline(payment_no=self.purchase.payment_no):
            key = (entry.title, entry.evidence_id or entry.at)
            # What the shopper does is said by the story; evidence is shown once it is judged.
            told = entry.kind is Kind.SHOPPER or entry.verdict == Verdict.PENDING
            if not told and key not in self._shown:
                self._shown.add(key)
                self._line(entry.at, _describe(entry))

    def _line(self, at: object, text: str) -> None:
        seconds = (at - self.payment.created_at).total_seconds()  # type: ignore[operator]
        wipe = "\r\033[K" if self._rewrites else ""
        print(f"{wipe}  {max(seconds, 0):7.2f} s  {text}", flush=True)

    def _count_down(self) -> None:
        payment = Payment.objects.get(pk=self.payment.pk)
        if payment.consult_due_at is None:
            return
        left = (payment.consult_due_at - timezone.now()).total_seconds()
        if left > LONGEST_STEP:
            return  # a worker is asking at this moment: that is its lease
        text = f"next consult in {left:.1f} s" if left > 0 else f"consult overdue by {-left:.1f} s"
        if self._rewrites:
            print(f"\r\033[K             … {text}", end="", flush=True)
        elif time.monotonic() - self._last_plain >= PLAIN_EVERY:
            self._last_plain = time.monotonic()
            print(f"             … {text}", flush=True)


def _describe(entry: Entry) -> str:
    verdict = f" → {entry.verdict}" if entry.verdict else ""
    detail = f": {entry.detail}" if entry.detail else ""
    return f"{entry.title}{detail}{verdict}"
