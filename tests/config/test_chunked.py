"""A body that was sent in chunks is read like any other."""

from io import BytesIO

import pytest

from config.chunked import MeasureChunkedBodies


def read_through(*, body=b"truth", **environ):
    """What an application behind the middleware finds: the length, and the body up to it."""
    found = {}

    def application(environ, _start_response):
        found["length"] = environ.get("CONTENT_LENGTH")
        found["body"] = environ["wsgi.input"].read(int(found["length"] or 0))
        return []

    wrapped = MeasureChunkedBodies(application, most=10)
    wrapped({"wsgi.input": BytesIO(body)} | environ, None)
    return found["length"], found["body"]


@pytest.mark.parametrize("encoding", ["chunked", "Chunked", "gzip, chunked"])
def test_a_chunked_body_gets_its_length(encoding):
    assert read_through(HTTP_TRANSFER_ENCODING=encoding) == ("5", b"truth")


def test_a_chunked_body_that_is_too_large_is_seen_to_be():
    assert read_through(body=b"x" * 1000, HTTP_TRANSFER_ENCODING="chunked") == ("11", b"x" * 11)


def test_a_body_with_a_length_is_left_alone():
    assert read_through(CONTENT_LENGTH="3") == ("3", b"tru")


def test_a_request_without_a_body_is_left_alone():
    assert read_through(body=b"") == (None, b"")
