"""What is true of every operation, put into its OpenAPI description; and which can follow which."""

from collections.abc import Iterator, Mapping
from typing import Any

Schema = dict[str, Any]

PROBLEMS = {
    400: "`errors` says what to correct; or the body is not JSON.",
    401: "The API token is wrong, or there has to be one.",
    406: "Answers are JSON.",
    409: "The same request is being worked on: send it again after `Retry-After`.",
    413: "The body is too large.",
    415: "Send JSON.",
    422: "The Idempotency-Key was used for another request.",
    429: "Too many requests: ask again after `Retry-After`.",
    503: "Not now: ask again after `Retry-After`, with the same key.",
}
ALWAYS = (401, 406, 429, 503)
OF_POSTS = (400, 409, 413, 415, 422)

HEADERS = {
    "X-Request-Id": ("string", "Names this request in the shop's logs."),
    "RateLimit": ("string", "What is left of the budgets, and for how many seconds."),
    "RateLimit-Policy": ("string", "How much there is, and in how many seconds."),
    "Idempotent-Replayed": ("string", "`true`: the answer that this key was given before."),
    "Retry-After": ("integer", "Seconds."),
}
OF_ALL = ("X-Request-Id", "RateLimit", "RateLimit-Policy")

ORDER = {
    "path.order_no": "$response.body#/order_no",
    "header.X-Order-Token": "$response.body#/token",
}
PAYMENT = {
    "path.payment_no": "$response.body#/payment_no",
    "header.X-Order-Token": "$request.header.X-Order-Token",
}
FOR_USERS = ("start_refund",)  # all else is for guests as well
OF_AN_ORDER = ("read_order", "start_payment", "cancel_order", "issue_ticket")
OF_A_PAYMENT = ("payment_status", "payment_returned", "read_payment")
# By operation and status: the operations that can follow, with what they take from the answer.
LINKS: dict[tuple[str, str], Mapping[str, Mapping[str, str]]] = {
    ("list_products", "200"): {"read_product": {"path.sku": "$response.body#/results/0/sku"}},
    ("list_orders", "200"): {
        "read_order": {
            "path.order_no": "$response.body#/results/0/order_no",
            "header.X-Order-Token": "$response.body#/results/0/token",
        }
    },
    ("place_order", "201"): dict.fromkeys((*OF_AN_ORDER, "start_refund"), ORDER),
    ("cancel_order", "200"): dict.fromkeys(("read_order", "start_payment"), ORDER),
    ("start_payment", "201"): dict.fromkeys(OF_A_PAYMENT, PAYMENT),
    ("start_payment", "202"): dict.fromkeys(OF_A_PAYMENT, PAYMENT),
    ("payment_returned", "200"): dict.fromkeys(OF_A_PAYMENT, PAYMENT),
    ("start_refund", "201"): {"read_refund": {"path.refund_no": "$response.body#/refund_no"}},
}


def complete(result: Schema, generator: Any, request: Any, public: bool) -> Schema:
    """A hook of drf-spectacular."""
    result["components"]["headers"] = {
        name: {"schema": {"type": kind}, "description": text}
        for name, (kind, text) in HEADERS.items()
    }
    result["components"]["responses"] = {
        f"Problem{status}": _problem(text) for status, text in PROBLEMS.items()
    }
    operations = dict(_operations(result))
    for method, operation in operations.values():
        if operation.get("security") and operation["operationId"] not in FOR_USERS:
            operation["security"].append({})
        answers = operation["responses"]
        for status in (*ALWAYS, *(OF_POSTS if method == "post" else ())):
            answers.setdefault(str(status), {"$ref": f"#/components/responses/Problem{status}"})
        for status, answer in answers.items():
            if "$ref" not in answer:
                _add_headers(answer, method, status)
    for (name, status), following in LINKS.items():
        operations[name][1]["responses"][status]["links"] = {
            other: {"operationId": other, "parameters": dict(values)}
            for other, values in following.items()
            if other in operations
        }
    return result


def _operations(result: Schema) -> Iterator[tuple[str, tuple[str, Schema]]]:
    for path in result["paths"].values():
        for method, operation in path.items():
            yield operation["operationId"], (method, operation)


def _problem(description: str) -> Schema:
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    content = {"application/problem+json": problem}
    answer: Schema = {"description": description, "content": content}
    _add_headers(answer, "", "")
    answer["headers"]["Retry-After"] = _header("Retry-After")
    return answer


def _add_headers(answer: Schema, method: str, status: str) -> None:
    replayed = ("Idempotent-Replayed",) if method == "post" and status in ("200", "201") else ()
    its = answer.setdefault("headers", {})
    its |= {name: _header(name) for name in (*OF_ALL, *replayed)}


def _header(name: str) -> Schema:
    return {"$ref": f"#/components/headers/{name}"}
