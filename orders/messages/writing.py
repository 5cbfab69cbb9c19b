"""Writing down what a shopper is to be told; `orders.messages.loop` tells her.

The rows are written in the transaction of the fact, with the order locked: told is exactly what has
become true.
"""

import datetime as dt

from django.conf import settings
from django.db.models import Q

from common import wake
from orders.models import Device, Message, Order
from orders.states import MessageKind, OrderStatus, Via

MESSAGE_DUE = "workers.message_due"
BY_EMAIL = (MessageKind.PAID, MessageKind.NOT_PAID, MessageKind.REFUND_COMING)


def tell_of_status(order: Order, *, was: OrderStatus, now: dt.datetime) -> None:
    """Have the shopper told of a move that ends her waiting; of others she needn't be told."""
    to = OrderStatus(order.status)
    if to is OrderStatus.PAID and was is not OrderStatus.REFUNDED:
        tell_shopper(order, kind=MessageKind.PAID, now=now)
    elif to is OrderStatus.REFUNDED:
        tell_shopper(order, kind=MessageKind.REFUNDED, now=now)
    elif was is OrderStatus.PAYING and not order.ledger.exists():  # money came, but other money
        tell_shopper(order, kind=MessageKind.NOT_PAID, now=now)


def tell_shopper(order: Order, *, kind: MessageKind, now: dt.datetime) -> None:
    """Write a message for each device of the order and its owner, and for the order's address.

    An e-mail waits a while: if she sees the end herself until then, it isn't sent. The same again
    for the same version of the order is told once: two amounts may go back together.
    """
    if not settings.NOTIFIERS:
        return
    messages = [
        _message(order, kind, now, via=device.via, device=device, language=device.language)
        for device in _devices(order)
        if device.via in settings.NOTIFIERS
    ]
    if order.email and kind in BY_EMAIL and Via.EMAIL in settings.NOTIFIERS:
        after = now + dt.timedelta(seconds=settings.EMAIL_AFTER)
        messages.append(
            _message(
                order,
                kind,
                after,
                via=Via.EMAIL,
                address=order.email,
                language=order.language,
            )
        )
    if not messages:
        return
    for message in messages:
        message.created_at = now
    Message.objects.bulk_create(messages, ignore_conflicts=True)
    for due_at in {message.due_at for message in messages if message.due_at}:
        wake.announce_on_commit(task=MESSAGE_DUE, due_at=due_at, now=now)


def is_still_true(kind: str, order: Order) -> bool:
    """Whether the order stands as the message says: who pays again must not read "not paid"."""
    match MessageKind(kind):
        case MessageKind.PAID:
            return order.status == OrderStatus.PAID
        case MessageKind.NOT_PAID:
            ended = {OrderStatus.UNPAID, OrderStatus.CANCELLED, OrderStatus.CLOSED}
            return order.status in ended
        case MessageKind.REFUNDED:
            return order.status == OrderStatus.REFUNDED
        case MessageKind.REFUND_COMING:
            return True


def _devices(order: Order) -> list[Device]:
    theirs = Q(order=order)
    if order.owner_id is not None:
        theirs |= Q(owner=order.owner_id)
    found = Device.objects.filter(theirs, gone_at=None).order_by("pk")
    # The same phone may be registered for the user and for the order: it is told once.
    return list({device.fingerprint: device for device in found}.values())


def _message(order: Order, kind: MessageKind, due_at: dt.datetime, **where: object) -> Message:
    return Message(order=order, kind=kind, version=order.version, due_at=due_at, **where)
