"""Lists in pages. A cursor names the last row that was seen, so rows that come or go shift none."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import inline_serializer
from rest_framework import exceptions, serializers
from rest_framework.request import Request

USUAL, MOST = 20, 100  # rows a page


class PageSerializer(serializers.Serializer):
    """What a list is asked with."""

    limit = serializers.IntegerField(
        min_value=1, max_value=MOST, default=USUAL, help_text="how many at the most"
    )
    cursor = serializers.RegexField(
        r"^[0-9A-Za-z_-]{1,64}$",
        required=False,
        help_text="`next_cursor` of the page before; the first page has none",
    )


def page_of(
    request: Request, rows: QuerySet[Any], *, among: QuerySet[Any], by: str, newest_first: bool
) -> tuple[list[Any], str | None]:
    """One page of `rows`, and the cursor of the next one.

    A cursor is the public number `by` of a row `among` those that the caller may name; it may have
    left `rows` since.
    """
    asked = PageSerializer(data=request.query_params.dict())
    asked.is_valid(raise_exception=True)
    limit, cursor = asked.validated_data["limit"], asked.validated_data.get("cursor")
    if cursor:
        seen = among.filter(**{by: cursor}).values_list("pk", flat=True).first()
        if seen is None:
            raise exceptions.ValidationError(
                {"cursor": ["There is no such page: begin with the first one, without a cursor."]}
            )
        rows = rows.filter(pk__lt=seen) if newest_first else rows.filter(pk__gt=seen)
    found = list(rows.order_by("-pk" if newest_first else "pk")[: limit + 1])
    more = len(found) > limit
    return found[:limit], getattr(found[limit - 1], by) if more else None


def a_page_of(name: str, item: type[serializers.Serializer]) -> serializers.Serializer:
    """How a page of these looks."""
    return inline_serializer(
        name,
        {
            "results": item(many=True),
            "next_cursor": serializers.CharField(
                allow_null=True, help_text="send it as `cursor` for the next page; null: no more"
            ),
        },
    )
