"""Redis, for what may be lost at any time: tickets, seats, and how much is polled."""

from functools import cache

import redis
from django.conf import settings


@cache
def client() -> redis.Redis:
    """One for the process; a request can't wait for it for long. Raises `redis.RedisError`."""
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=0.5)
