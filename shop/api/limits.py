"""Rate limits of the API: who is counted, by what, and what the answer's headers say of it."""

import hashlib
import ipaddress
import time
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db import Error
from rest_framework import exceptions
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from shop.budgets import WINDOW, Budget, Spent, spend

READS, WRITES, POLLS, ADDRESS = "reads", "writes", "polls", "address"


class Limits(BaseThrottle):
    """Each caller has a budget for what the view does; all guests of one address share another."""

    def __init__(self) -> None:
        self._exceeded: list[Spent] = []

    def allow_request(self, request: Request, view: Any) -> bool:
        usual = READS if request.method in SAFE_METHODS else WRITES
        asked = _budgets(request, getattr(view, "budget", usual))
        spent = spend(asked, now=time.time())
        # `shop.middleware` sends them.
        request._request.headers_of_limits = _headers(spent) if spent else {}
        self._exceeded = [each for each in spent if each.left < 0]
        return not self._exceeded

    def wait(self) -> float:
        return max(each.resets_in for each in self._exceeded)


def count_refusal(request: Request, view: Any) -> exceptions.Throttled | None:
    """Count a request that was refused before it was counted, such as a guess at a token.

    Returns what to answer instead when it is one too many.
    """
    if hasattr(request._request, "headers_of_limits"):
        return None
    limits = Limits()
    return None if limits.allow_request(request, view) else exceptions.Throttled(limits.wait())


def _user_id(request: Request) -> int | None:
    """Who can't be told, by a wrong token or without a database, counts as a guest."""
    try:
        known: int | None = request.user.pk
    except (exceptions.APIException, Error):
        return None
    return known


def _budgets(request: Request, name: str) -> list[Budget]:
    address = address_of(request.META, proxies=settings.PROXIES)
    user_id = _user_id(request)
    if user_id is not None:
        wanted = [(name, f"user.{user_id}")]
    else:
        # The token need not be right: who makes up many still shares the address's budget.
        token = request.headers.get("X-Order-Token", "")
        guest = hashlib.sha256(f"{address}\n{token}".encode()).hexdigest()[:32]
        wanted = [(name, f"guest.{guest}"), (ADDRESS, address)]
    quotas: Mapping[str, int] = settings.API_LIMITS
    return [Budget(each, caller, quotas[each]) for each, caller in wanted if quotas.get(each)]


def address_of(meta: Mapping[str, str], *, proxies: int) -> str:
    """The caller's address, as the outermost of our own proxies has seen it.

    What stands before that in `X-Forwarded-For` was written by the caller. Of IPv6 it is the /64,
    all of which belongs to one caller.
    """
    forwarded = [hop.strip() for hop in meta.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    hops = [*filter(None, forwarded), meta.get("REMOTE_ADDR", "")]
    seen = hops[-1 - min(proxies, len(hops) - 1)]
    try:
        address = ipaddress.ip_address(seen)
    except ValueError:
        return "unknown"
    if address.version == 6:
        return str(ipaddress.ip_network((address, 64), strict=False).network_address)
    return str(address)


def _headers(spent: Sequence[Spent]) -> dict[str, str]:
    """As draft-ietf-httpapi-ratelimit-headers has them."""
    policies = [f'"{each.budget.name}";q={each.budget.quota};w={WINDOW}' for each in spent]
    left = [f'"{each.budget.name}";r={max(0, each.left)};t={each.resets_in}' for each in spent]
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(left)}
