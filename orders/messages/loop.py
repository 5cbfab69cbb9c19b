"""The loop: find what is due, push it into the future, send it, settle it."""

import datetime as dt
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils.module_loading import import_string

from common import wake
from common.kill_points import reach
from orders.messages.notifiers import Answer, Letter, Result, get_notifier
from orders.messages.settling import drop, settle
from orders.messages.texts import text_of
from orders.messages.writing import MESSAGE_DUE, is_still_true
from orders.models import Message
from orders.seen import was_seen
from orders.states import MessageKind, MessageState, Via

log = structlog.get_logger(__name__)

BATCH = 32
THREADS = 8
LEASE = dt.timedelta(seconds=90)  # longer than a batch takes when every try runs into its end


def message_due(*, now: dt.datetime) -> int:
    """Send one batch of the messages that are due; returns how many were looked at."""
    wake.woken(task=MESSAGE_DUE)
    started = time.monotonic()
    messages = _claim(now)
    if len(messages) == BATCH:
        wake.wake(task=MESSAGE_DUE)
    wanted = [message for message in messages if not _is_dropped(message, now)]
    for message, answer in _send(wanted):
        reach("message.sent")
        later = now + dt.timedelta(seconds=time.monotonic() - started)
        try:
            settle(message=message, answer=answer, now=later)
        except Exception:  # it is sent again after the lease, and stops no other
            log.exception("message_not_settled", message_no=message.message_no)
    return len(messages)


@transaction.atomic
def _claim(now: dt.datetime) -> list[Message]:
    messages = list(
        Message.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
        .select_related("order", "device")
        .filter(state=MessageState.WAITING, due_at__lte=now)
        .order_by("due_at", "pk")[:BATCH]
    )
    claimed = Message.objects.filter(pk__in=[message.pk for message in messages])
    claimed.update(due_at=now + LEASE, tries=F("tries") + 1)
    for message in messages:
        message.due_at, message.tries = now + LEASE, message.tries + 1
    return messages


def _is_dropped(message: Message, now: dt.datetime) -> bool:
    """Drop what nobody needs to be told (any more)."""
    order, why = message.order, ""
    if message.kind not in MessageKind.values:
        return False  # of another release: this one can't write it either
    if not is_still_true(message.kind, order):
        why = f"the order is {order.status} by now"
    elif message.device and message.device.gone_at:
        why = f"the device is gone: {message.device.gone_why}"
    elif message.via == Via.EMAIL and was_seen(order_no=order.order_no, version=message.version):
        why = "the shopper has seen it"
    if why:
        drop(message=message, why=why, now=now)
    return bool(why)


def _send(messages: Sequence[Message]) -> Iterator[tuple[Message, Answer]]:
    """Send all at once, and give the answers as they come. The threads touch no database."""
    if not messages:
        return
    with ThreadPoolExecutor(min(THREADS, len(messages)), thread_name_prefix="message") as pool:
        tries = {pool.submit(_tell, each): each for each in messages}
        for done in as_completed(tries):
            yield tries[done], done.result()


def _tell(message: Message) -> Answer:
    """One that can't be written stops no other."""
    try:
        letter = _letter(message)
    except Exception:
        log.exception("message_not_written", message_no=message.message_no)
        return Answer(result=Result.AGAIN, text="it could not be written: see the log")
    return _try(message.via, letter)


def _try(via: str, letter: Letter) -> Answer:
    """Whatever goes wrong, nobody knows whether it arrived: it is sent again."""
    try:
        return get_notifier(via).send(letter)
    except Exception as error:  # noqa: BLE001  (as above)
        # Without the error's own words: they may hold a token or a push service's address.
        return Answer(result=Result.AGAIN, text=f"no answer: {type(error).__name__}")


def _letter(message: Message) -> Letter:
    order, device = message.order, message.device
    text = text_of(message.kind, order_no=order.order_no, language=message.language)
    link = import_string(settings.ORDER_LINK)
    return Letter(
        message_no=message.message_no,
        order_no=order.order_no,
        version=message.version,
        kind=message.kind,
        title=text.title,
        body=text.body,
        url=link(order.order_no),
        to=device.token if device else message.address,
        keys=device.keys if device else {},
    )
