"""Filters for what waits, what is old and what is wrong. Each reads an index or the fog alone."""

import datetime as dt
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from payments.channels.registry import channel_names, get_label
from payments.figures import LOOK_BACK, OVERDUE, TO_LOOK_AT
from payments.models import Evidence, Payment, PaymentEvent
from payments.states import IN_FOG

AGES = {
    "10min": ("Under 10 minutes", None, dt.timedelta(minutes=10)),
    "1h": ("10 minutes to 1 hour", dt.timedelta(minutes=10), dt.timedelta(hours=1)),
    "1d": ("1 hour to 1 day", dt.timedelta(hours=1), dt.timedelta(days=1)),
    "older": ("Over a day", dt.timedelta(days=1), None),
}


class WaitingFilter(SimpleListFilter):
    title = "waiting"
    parameter_name = "waiting"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("fog", "In the fog"), ("overdue", "Overdue"), ("slow", "In the slow lane")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Payment]) -> QuerySet[Payment]:
        if self.value() == "overdue":
            return queryset.filter(consult_due_at__lt=timezone.now() - OVERDUE)
        if self.value() == "slow":
            return queryset.filter(status__in=IN_FOG, slow_lane_at__isnull=False)
        return queryset.filter(status__in=IN_FOG) if self.value() == "fog" else queryset


class ChannelFilter(SimpleListFilter):
    title = "channel"
    parameter_name = "channel"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, get_label(name)) for name in channel_names()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(channel=self.value()) if self.value() else queryset

    def has_output(self) -> bool:
        return True


class AgeFilter(SimpleListFilter):
    title = "age"
    parameter_name = "age"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(key, label) for key, (label, _, _) in AGES.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Payment]) -> QuerySet[Payment]:
        now = timezone.now()
        _, least, most = AGES.get(self.value() or "", ("", None, None))
        if least:
            queryset = queryset.filter(created_at__lte=now - least)
        return queryset.filter(created_at__gt=now - most) if most else queryset


class LookAtFilter(SimpleListFilter):
    title = "to look at"
    parameter_name = "look_at"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("week", "Failed, orphan or contradicting, last 7 days"),
            ("all", "Failed, orphan or contradicting"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Evidence]) -> QuerySet[Evidence]:
        if self.value() is None:
            return queryset
        found = queryset.filter(verdict__in=TO_LOOK_AT)
        if self.value() == "week":
            found = found.filter(received_at__gt=timezone.now() - LOOK_BACK)
        return found


class RelayFilter(SimpleListFilter):
    title = "relay"
    parameter_name = "relay"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("waiting", "Not relayed yet"), ("failing", "Failing")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[PaymentEvent]
    ) -> QuerySet[PaymentEvent]:
        waiting = Q(relay_due_at__isnull=False)
        if self.value() == "failing":
            return queryset.filter(waiting, relay_failures__gt=0)
        return queryset.filter(waiting) if self.value() == "waiting" else queryset
