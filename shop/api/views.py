"""What is asked for in vain, in the API's own words."""

from typing import Any

from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.views import APIView

from shop.api.problems import Problem


class UnknownPathView(APIView):
    """Every path of the API that is none."""

    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise exceptions.NotFound("There is no such path: /api/docs/ lists those that are.")


class UnknownVersionView(APIView):
    """Every path of a version that is not spoken here."""

    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise Problem(
            404,
            "unknown-version",
            "This version is not spoken here",
            f"This shop speaks version 1: send it to /api/v1/, not to /api/{kwargs['version']}/.",
        )
