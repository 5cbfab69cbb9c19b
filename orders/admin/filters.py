"""Filters for what is owed back, closes, and waits to be told."""

from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils import timezone

from orders.figures import STANDS_STILL, owing
from orders.models import Notification, Order
from orders.states import WANTS_MONEY

TYPES = ("order.paid", "order.closed", "order.revived", "order.refunded", "refund.succeeded")


class OwedBackFilter(SimpleListFilter):
    title = "money"
    parameter_name = "money"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("owed", "Owed back")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        if self.value() != "owed":
            return queryset
        return queryset.filter(pk__in=owing().values("order"))


class ClosingFilter(SimpleListFilter):
    title = "closing"
    parameter_name = "closing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("still", "Stands still")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        if self.value() != "still":
            return queryset
        began_at = Coalesce("cancel_asked_at", "close_asked_at")
        closing = queryset.filter(status__in=WANTS_MONEY).annotate(began_at=began_at)
        return closing.filter(began_at__lte=timezone.now() - STANDS_STILL)


class TypeFilter(SimpleListFilter):
    title = "type"
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in TYPES]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Notification]
    ) -> QuerySet[Notification]:
        return queryset.filter(type=self.value()) if self.value() else queryset
