"""The cook-book for apps names only what is there: paths, headers, fields and problems."""

import re
from pathlib import Path

import pytest
from drf_spectacular.generators import SchemaGenerator

from shop import push
from shop.api.problems import REFUSALS

COOK_BOOK = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text()
CURLS = [
    curl
    for curl in re.findall(
        r"curl (-s.+?)(?=\n(?:\w+=|do|curl|```)|\)\n| \| field)", COOK_BOOK, re.DOTALL
    )
    if "$SHOP" in curl
]
VARIABLES = {
    "$ORDER": "{order_no}",
    "$OTHER": "{order_no}",
    "$MINE": "{order_no}",
    "$PAYMENT": "{payment_no}",
    "$REFUND": "{refund_no}",
    "$DEVICE": "{device_no}",
    "products/umbrella": "products/{sku}",
}
OF_HTTP = {"Authorization", "Content-Type", "Accept"}  # in the schema, but no parameters there


@pytest.fixture(scope="module")
def schema():
    return SchemaGenerator().get_schema(request=None, public=True)


def path_of(curl):
    path = re.sub(r"\$\(.*?field order_no\)", "{order_no}", curl)
    for variable, name in VARIABLES.items():
        path = path.replace(variable, name)
    return re.search(r"\$SHOP(/[\w/{}]+)", path)[1]


def operation_of(schema, curl):
    named = re.search(r"-X (\w+)", curl)
    method = named[1].lower() if named else "post" if "--json" in curl else "get"
    return schema["paths"][path_of(curl)][method]


def all_of(schema):
    return [operation for path in schema["paths"].values() for operation in path.values()]


def test_every_operation_stands_in_the_cook_book_and_nothing_else(schema):
    named = {operation_of(schema, curl)["operationId"] for curl in CURLS}

    assert named == {operation["operationId"] for operation in all_of(schema)}


@pytest.mark.parametrize("curl", [curl for curl in CURLS if "-H" in curl])
def test_the_headers_of_a_line_are_those_of_its_operation(schema, curl):
    headers = set(re.findall(r"""-H ["']([\w-]+):""", curl)) - OF_HTTP

    parameters = operation_of(schema, curl).get("parameters", [])

    assert headers <= {each["name"] for each in parameters if each["in"] == "header"}


def test_the_answers_headers_are_described(schema):
    for operation in all_of(schema):
        answers = operation["responses"]
        if operation["operationId"] == "payment_status":
            assert "ETag" in answers["200"]["headers"]
            assert "ETag" in answers["304"]["headers"]
        if operation["operationId"] in {"place_order", "start_refund"}:
            assert "Location" in answers["201"]["headers"]


def test_the_fields_that_are_explained_are_those_of_the_status(schema):
    explained = re.findall(r"^\| `(\w+)` \|", COOK_BOOK, re.MULTILINE)

    fields = schema["components"]["schemas"]["PaymentStatus"]["properties"]

    assert set(explained) == set(fields) - {"payment_no", "order_no"}


def test_every_problem_is_explained_with_its_status():
    explained = re.findall(r"^\| (\d+) \| `urn:nodrop:([\w-]+)`", COOK_BOOK, re.MULTILINE)

    ours = {(str(status), name) for status, name, _ in REFUSALS.values()}

    others = {
        ("400", "invalid"),
        ("403", "not-permitted"),
        ("404", "unknown-version"),
        ("413", "too-large"),
        ("429", "too-many-requests"),
        ("502", "channel-refused"),
        ("503", "try-again"),
        ("503", "push-not-here"),
    }
    assert set(explained) == ours | others


def test_push_is_as_the_cook_book_says():
    explained = re.findall(r"^\| (\d{4}) \|", COOK_BOOK, re.MULTILINE)

    codes = (push.NO_TICKET, push.OTHER_ORDER, push.TOO_OLD, push.TOO_MANY, push.TRY_LATER)
    assert explained == [str(code) for code in sorted(codes)]
    assert f'[\\"{push.PROTOCOL}\\", \\"$TICKET\\"]' in COOK_BOOK
