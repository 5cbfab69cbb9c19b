"""Who may listen to an order: a ticket opens one socket, and each shopper has a few seats.

A ticket is for one order, lives a minute and is used once: taking it out of Redis and reading it
are one command. Redis may lose all of this; a client then asks for another, and polls meanwhile.
"""

import datetime as dt
import json
import secrets
from dataclasses import dataclass
from typing import Any

import redis
from django.conf import settings

from shop.volatile import client

LIFE = dt.timedelta(seconds=60)
MOST_AGE = dt.timedelta(minutes=20)  # of a socket; a seat that a crash left taken is free after it
_TICKET = "nodrop.ticket."
_SEATS = "nodrop.seats."


class PushAway(Exception):
    """Redis does not answer: nobody can be told whether a ticket is good."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a ticket stands for: `holder` is the user, or the guest's order."""

    order_no: str
    holder: str


def issue(*, order_no: str, user_id: int | None) -> str:
    """A new ticket for a user's socket, or for that of a guest who showed the order's token.

    Raises `PushAway`.
    """
    secret = secrets.token_urlsafe(32)
    holder = f"order.{order_no}" if user_id is None else f"user.{user_id}"
    try:
        client().set(_TICKET + secret, json.dumps([order_no, holder]), ex=LIFE)
    except redis.RedisError as error:
        raise PushAway(str(error)) from error
    return secret


def use(secret: str) -> Ticket | None:
    """The ticket, which is gone from now on; None for one that is expired, used, or never was.

    Raises `PushAway`.
    """
    try:
        kept: Any = client().getdel(_TICKET + secret)
    except redis.RedisError as error:
        raise PushAway(str(error)) from error
    return Ticket(*json.loads(kept)) if kept else None


def take_seat(*, holder: str, seat: str, now: dt.datetime) -> bool:
    """Whether the holder may have one more socket, by all processes' count. Raises `PushAway`."""
    key = _SEATS + holder
    ends_at = now + MOST_AGE
    try:
        with client().pipeline() as work:
            work.zremrangebyscore(key, "-inf", now.timestamp())
            work.zadd(key, {seat: ends_at.timestamp()})
            work.zcard(key)
            work.expire(key, MOST_AGE)
            *_, taken, _ = work.execute()
    except redis.RedisError as error:
        raise PushAway(str(error)) from error
    if taken > settings.PUSH_SOCKETS:
        leave_seat(holder=holder, seat=seat)
        return False
    return True


def leave_seat(*, holder: str, seat: str) -> None:
    """The socket is closed. When Redis is away the seat is free at the end of its time."""
    try:
        client().zrem(_SEATS + holder, seat)
    except redis.RedisError:
        return
