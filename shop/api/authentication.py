"""Who asks: a user by a token, or a guest."""

from typing import Any

from rest_framework import exceptions
from rest_framework.authentication import TokenAuthentication, get_authorization_header
from rest_framework.request import Request


class OnlyTokens(TokenAuthentication):
    """Refuses other schemes: who sends credentials must not be taken for a guest."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        known: tuple[Any, Any] | None = super().authenticate(request)
        if known is None and get_authorization_header(request):
            raise exceptions.AuthenticationFailed("This scheme is not known here.")
        return known
