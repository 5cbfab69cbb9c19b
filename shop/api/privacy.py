"""Answers that are one caller's own."""

from rest_framework.response import Response


def private(answer: Response) -> Response:
    """Only the asker may keep it, and only to ask whether it is still true."""
    answer["Cache-Control"] = "private, no-cache"
    answer["Vary"] = "Authorization, X-Order-Token, X-Order-Tokens"
    return answer
