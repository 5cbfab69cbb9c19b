"""How strictly the JSON of requests is read, and JSON's words for what is wrong with it."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.extensions import OpenApiSerializerExtension
from rest_framework import serializers
from rest_framework.settings import api_settings

_WORDS = {bool: "true or false", int: "a number", float: "a number", str: "a string"}


def json_word(value: Any) -> str:
    """What JSON calls a value that is not null."""
    return _WORDS.get(type(value), "a list" if isinstance(value, list) else "an object")


class WholeNumberField(serializers.IntegerField):
    """A whole number, and nothing that could be read as one: amounts are never guessed."""

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int:
            self.fail("invalid")
        return super().to_internal_value(data)  # type: ignore[no-any-return]


class ListOf(serializers.ListField):
    """A list of objects."""

    def to_internal_value(self, data: Any) -> list[Any]:
        if not isinstance(data, list):
            raise serializers.ValidationError(f"Expected a list, but got {json_word(data)}.")
        return super().to_internal_value(data)  # type: ignore[no-any-return]


class JsonObject(serializers.Serializer):
    """An object, with fields that we may not know."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, Mapping):
            raise serializers.ValidationError(
                {
                    api_settings.NON_FIELD_ERRORS_KEY: [
                        f"Expected an object, but got {json_word(data)}."
                    ]
                }
            )
        return super().to_internal_value(data)


class StrictObject(JsonObject):
    """Refuses what it doesn't know: a misspelt field must not mean another request."""

    def to_internal_value(self, data: Any) -> Any:
        errors: dict[str, Any] = {}
        if isinstance(data, Mapping):
            known = ", ".join(self.fields)
            unknown = sorted(data.keys() - self.fields.keys())
            errors = {name: [f"There is no such field: {known}."] for name in unknown}
        try:
            values = super().to_internal_value(data)
        except serializers.ValidationError as error:
            raise serializers.ValidationError(dict(error.detail) | errors) from None
        if errors:
            raise serializers.ValidationError(errors)
        return values


class StrictInTheDescription(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Says so to who generates a client."""

    target_class = StrictObject
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        its = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        return dict(its) | {"additionalProperties": False}
