"""What operators have sent anew."""

import datetime as dt

from common import wake
from orders.messages.writing import MESSAGE_DUE
from orders.models import Message
from orders.states import MessageState


def send_again(*, message_id: int, now: dt.datetime) -> bool:
    """Send one that has failed anew, with all of its tries; False where it has not failed."""
    failed = Message.objects.filter(pk=message_id, state=MessageState.FAILED)
    again = failed.update(state=MessageState.WAITING, due_at=now, tries=0, ended_at=None)
    if again:
        wake.wake_on_commit(task=MESSAGE_DUE)
    return bool(again)
