"""Bodies that are sent in chunks."""

from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class MeasureChunkedBodies:
    """WSGI middleware: gives a chunked body its length, without which Django reads none of it.

    Reads at most one byte more than `most`, so that a body which is too large is refused as such.
    """

    def __init__(self, application: Application, *, most: int) -> None:
        self.application = application
        self.most = most

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
        if chunked and not environ.get("CONTENT_LENGTH"):
            body = environ["wsgi.input"].read(self.most + 1)
            environ |= {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        return self.application(environ, start_response)
