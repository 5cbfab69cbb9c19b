"""Filters for what waits, what is old and what is wrong. Each reads an index or the fog alone."""

import datetime as dt
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from alerts.models import Alert
from payments.channels.registry import channel_names, get_label
from payments.figures import LOOK_BACK, OVERDUE, TO_LOOK_AT, missing_statements
from payments.models import Difference, Evidence, Payment, Refund
from payments.states import IN_FOG, OPEN_REFUND

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

    channel_field = "channel"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{self.channel_field: self.value()}) if self.value() else queryset

    def has_output(self) -> bool:
        return True


class RefundChannelFilter(ChannelFilter):
    channel_field = "payment__channel"


class DifferenceChannelFilter(ChannelFilter):
    channel_field = "statement__channel"


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

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Of the events of payments, and of those of refunds."""
        waiting = Q(relay_due_at__isnull=False)
        if self.value() == "failing":
            return queryset.filter(waiting, relay_failures__gt=0)
        return queryset.filter(waiting) if self.value() == "waiting" else queryset


class RefundWaitingFilter(SimpleListFilter):
    title = "waiting"
    parameter_name = "waiting"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("open", "Under way"),
            ("slow", "In the slow lane"),
            ("failed", "Failed, and its alert is open"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Refund]) -> QuerySet[Refund]:
        if self.value() == "failed":
            alerts = Alert.objects.filter(kind="refund_failed", resolved_at=None)
            return queryset.filter(refund_no__in=alerts.values("subject"))
        if self.value() == "slow":
            return queryset.filter(status__in=OPEN_REFUND, slow_lane_at__isnull=False)
        return queryset.filter(status__in=OPEN_REFUND) if self.value() == "open" else queryset


class OpenDifferenceFilter(SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "Open"), ("resolved", "Resolved")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Difference]
    ) -> QuerySet[Difference]:
        if self.value() is None:
            return queryset
        return queryset.filter(resolved_at__isnull=self.value() == "open")


class StatementWaitingFilter(SimpleListFilter):
    title = "waiting"
    parameter_name = "waiting"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("missing", "Missing: due, and not compared"), ("differs", "Differences open")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "missing":
            return queryset.filter(missing_statements(timezone.now()))
        if self.value() == "differs":
            unresolved = Difference.objects.filter(resolved_at=None)
            return queryset.filter(pk__in=unresolved.values("statement"))
        return queryset
