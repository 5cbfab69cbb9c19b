"""A notifier that delivers into a list, and shoppers who register what they have."""

import datetime as dt
import threading
from collections import deque

from django.utils import timezone

from orders import services as orders
from orders.messages import message_due, register_device
from orders.messages.notifiers import Answer, Letter, Result
from orders.models import Device, Message, Order
from orders.states import MessageState

TAKEN = Answer(result=Result.TAKEN, text="HTTP 200")
AGAIN = Answer(result=Result.AGAIN, text="HTTP 503")
GONE = Answer(result=Result.GONE, text="HTTP 410 Unregistered")
REFUSED = Answer(result=Result.REFUSED, text="HTTP 413")


class FakeNotifier:
    """Answers by its script, then `TAKEN`; an exception in the script is raised."""

    letters: list[Letter]
    script: deque[Answer | Exception]

    def __init__(self) -> None:
        self.letters, self.script, self._lock = [], deque(), threading.Lock()

    def send(self, letter: Letter) -> Answer:
        with self._lock:
            self.letters.append(letter)
            answer = self.script.popleft() if self.script else TAKEN
        if isinstance(answer, Exception):
            raise answer
        return answer


FAKE = {"CLASS": "tests.orders.messages.fakes.FakeNotifier"}


def a_device(order: Order, *, via: str = "fcm", token: str = "token", language: str = "") -> Device:
    return register_device(
        via=via, token=token, language=language, order_no=order.order_no, now=timezone.now()
    )


def pay(order: Order, payment_no: str = "", seq: int = 2) -> None:
    """The order hears that money came; of its first payment also that it was asked for."""
    now = timezone.now()
    if not payment_no:
        payment_no = f"P{order.pk}"
        orders.record_attempt(
            order_no=order.order_no, payment_no=payment_no, seq=1, over=False, now=now
        )
    orders.record_payment(
        order_no=order.order_no,
        payment_no=payment_no,
        seq=seq,
        amount=order.total,
        currency=order.currency,
        now=now,
    )


def fail(order: Order, payment_no: str = "P1") -> None:
    """A payment of the order was tried, and the channel said no."""
    now = timezone.now()
    for seq, over in ((1, False), (2, True)):
        orders.record_attempt(
            order_no=order.order_no, payment_no=payment_no, seq=seq, over=over, now=now
        )


def send_all(*, after: float = 0.0) -> None:
    """The loop runs until nothing is due, so many seconds from now."""
    now = timezone.now() + dt.timedelta(seconds=after)
    for _ in range(100):
        if not message_due(now=now):
            return
    raise AssertionError("always something due")


def standings() -> list[tuple[str, str]]:
    return list(Message.objects.order_by("pk").values_list("kind", "state"))


def waiting() -> int:
    return Message.objects.filter(state=MessageState.WAITING).count()
