"""What follows from a try: sent, tried again after a while, or given up."""

import datetime as dt

import structlog
from django.db import transaction
from django.db.models import QuerySet

from alerts.services import raise_alert, withdraw_alert
from common import wake
from orders.messages.devices import device_is_gone
from orders.messages.notifiers import Answer, Result
from orders.messages.writing import MESSAGE_DUE
from orders.models import Message
from orders.states import MessageState

log = structlog.get_logger(__name__)

# Seconds from each failed try to the next. After some three hours it is no news any more.
SCHEDULE = (5, 30, 120, 600, 3600, 7200)
LONGEST = 3600.0  # seconds that a provider may ask us to wait
LENGTH = 200  # of an answer that is kept


@transaction.atomic
def settle(*, message: Message, answer: Answer, now: dt.datetime) -> None:
    """Write down what came of a try; nothing where the lease is another's by now."""
    log.info(
        "message_tried",
        message_no=message.message_no,
        via=message.via,
        result=str(answer.result),
        answer=answer.text,
    )
    match answer.result:
        case Result.TAKEN:
            if _end(message, MessageState.SENT, answer.text, now) and message.tries > 1:
                why = "messages are taken again"
                withdraw_alert("alert.message_failed", subject=message.via, why=why, now=now)
        case Result.GONE:
            _end(message, MessageState.DROPPED, answer.text, now)
            if message.device:
                token = message.device.token
                device_is_gone(device_id=message.device.pk, token=token, now=now)
        case Result.REFUSED:
            _fail(message, answer, now)
        case Result.AGAIN if message.tries > len(SCHEDULE):
            _fail(message, answer, now)
        case Result.AGAIN:
            _postpone(message, answer, now)


def drop(*, message: Message, why: str, now: dt.datetime) -> None:
    """Nobody needs to be told (any more)."""
    _end(message, MessageState.DROPPED, why, now)


def _end(message: Message, state: MessageState, answer: str, now: dt.datetime) -> bool:
    ended = _as_it_was_claimed(message).update(
        state=state, due_at=None, ended_at=now, answer=answer[:LENGTH]
    )
    return bool(ended)


def _fail(message: Message, answer: Answer, now: dt.datetime) -> None:
    """One alert for each way: a provider that is down for a day would fill the list."""
    if _end(message, MessageState.FAILED, answer.text, now):
        detail = f"{message.kind} of order {message.order.order_no}: {answer.text}"
        raise_alert("alert.message_failed", subject=message.via, detail=detail, now=now)


def _postpone(message: Message, answer: Answer, now: dt.datetime) -> None:
    wait = max(SCHEDULE[message.tries - 1], min(answer.retry_after or 0.0, LONGEST))
    due_at = now + dt.timedelta(seconds=wait)
    if _as_it_was_claimed(message).update(due_at=due_at, answer=answer.text[:LENGTH]):
        wake.announce_on_commit(task=MESSAGE_DUE, due_at=due_at, now=now)


def _as_it_was_claimed(message: Message) -> QuerySet[Message]:
    return Message.objects.filter(
        pk=message.pk, state=MessageState.WAITING, due_at=message.due_at, tries=message.tries
    )
