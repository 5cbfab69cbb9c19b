"""How a request's body is read, and what is said when it can't be."""

from typing import Any

from rest_framework import exceptions, parsers


class JsonParser(parsers.JSONParser):
    """JSON, of a depth that Python can read."""

    def parse(self, *arguments: Any, **options: Any) -> Any:
        try:
            return super().parse(*arguments, **options)
        except RecursionError:
            raise exceptions.ParseError("it is nested too deeply.") from None
        except exceptions.ParseError as error:
            reason = str(error.detail).removeprefix("JSON parse error - ")
            raise exceptions.ParseError(f"{reason}.") from None
