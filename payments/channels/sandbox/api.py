"""The merchant's API: JSON over HTTP, with a bearer key, under /v1."""

import datetime as dt
import hmac
import time
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from payments.channels.sandbox.bills import Bill, Refused
from payments.channels.sandbox.context import Context, context_of
from payments.channels.sandbox.gate import refusal, through_the_gate
from payments.channels.sandbox.incoming import (
    bill_request,
    idempotency_key,
    json_body,
    refund_request,
)
from payments.channels.sandbox.shapes import bill_shape, misstated, refund_shape
from payments.channels.sandbox.statement import bounds, statement


async def create_bill(request: Request) -> Response:
    """POST /v1/bills: make a bill; the same Idempotency-Key gives the same bill."""
    body, wallet = await _opened(request)

    def work() -> Response:
        wanted, key = bill_request(body), idempotency_key(request.headers)
        now = time.time()
        bill = wallet.ledger.create(
            merchant=wallet.settings.merchant, key=key, wanted=wanted, now=now
        )
        return JSONResponse(_shape(wallet, bill, now), status_code=201)

    return await through_the_gate(request, "create", _text(body, "payment_no"), work)


async def query_bill(request: Request) -> Response:
    """GET /v1/bills/{payment_no}: what became of a bill."""
    _, wallet = await _opened(request)
    payment_no = request.path_params["payment_no"]

    def work() -> Response:
        now = time.time()
        _limit(wallet, now)
        return JSONResponse(_told(wallet, _bill(wallet, payment_no), now))

    return await through_the_gate(request, "query", payment_no, work)


async def close_bill(request: Request) -> Response:
    """POST /v1/bills/{payment_no}/close: let it not be paid any more."""
    _, wallet = await _opened(request)
    payment_no = request.path_params["payment_no"]

    def work() -> Response:
        if wallet.board.strikes("busy_close", payment_no, "close"):
            raise Refused("busy", "the shopper may be paying at this moment")
        now = time.time()
        bill = wallet.ledger.close(_bill(wallet, payment_no).bill_no, now=now)
        return JSONResponse(_shape(wallet, bill, now))

    return await through_the_gate(request, "close", payment_no, work)


async def refund_bill(request: Request) -> Response:
    """POST /v1/refunds: give money back; the same refund_no is the same refund."""
    body, wallet = await _opened(request)

    def work() -> Response:
        now = time.time()
        merchant = wallet.settings.merchant
        refund = wallet.refunds.make(merchant=merchant, now=now, **refund_request(body))
        return JSONResponse(refund_shape(refund), status_code=201)

    return await through_the_gate(request, "refund", _text(body, "payment_no"), work)


async def query_refund(request: Request) -> Response:
    """GET /v1/refunds/{refund_no}: what became of a refund."""
    _, wallet = await _opened(request)
    refund_no = request.path_params["refund_no"]

    def work() -> Response:
        now = time.time()
        _limit(wallet, now)
        merchant = wallet.settings.merchant
        refund = wallet.refunds.find(merchant=merchant, refund_no=refund_no)
        return JSONResponse(refund_shape(refund))

    return await through_the_gate(request, "query_refund", refund_no, work)


async def daily_statement(request: Request) -> Response:
    """GET /v1/statements/{day}: a UTC day's payments and refunds as CSV, once it is over."""
    _, wallet = await _opened(request)
    text = request.path_params["day"]

    def work() -> Response:
        try:
            day = dt.date.fromisoformat(text)
        except ValueError:
            raise Refused("invalid", "the day must be YYYY-MM-DD", status=400) from None
        if not _is_ready(wallet, day, time.time()):
            raise Refused("not_ready", "that day's statement is not ready", status=404)
        merchant = wallet.settings.merchant
        pieces = statement(wallet.database, wallet.board, merchant=merchant, day=day)
        return StreamingResponse(pieces, media_type="text/csv")

    return await through_the_gate(request, "statement", text, work)


async def _opened(request: Request) -> tuple[dict[str, Any], Context]:
    """The body of a call that showed the merchant's key, and the wallet; else `Refused`."""
    wallet = context_of(request)
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    known = hmac.compare_digest(key.encode(), wallet.settings.api_key.encode())
    if scheme.lower() != "bearer" or not known:
        raise Refused("unauthorized", "the API key is not known here", status=401)
    return await json_body(request) if request.method == "POST" else {}, wallet


async def refused(request: Request, exc: Exception) -> Response:
    """Starlette's way to an answer for a `Refused` raised before the gate."""
    if not isinstance(exc, Refused):
        raise exc
    return refusal(exc)


def _bill(wallet: Context, payment_no: str) -> Bill:
    return wallet.ledger.by_payment_no(payment_no, merchant=wallet.settings.merchant)


def _shape(wallet: Context, bill: Bill, now: float) -> dict[str, Any]:
    captures = wallet.ledger.captures(bill)
    return bill_shape(bill, captures, public_url=wallet.public_url, now=now)


def _told(wallet: Context, bill: Bill, now: float) -> dict[str, Any]:
    """What a query is told of a bill: the truth, unless a switch bends it."""
    marks = wallet.board.marks
    hidden = marks("not_found_for", bill.payment_no)
    if hidden and now < bill.created_at + hidden["seconds"]:
        raise Refused("not_found", "no such bill", status=404)
    wrong = marks("wrong_amount", bill.payment_no)
    told, captures = misstated(bill, wallet.ledger.captures(bill), wrong)
    shape = bill_shape(told, captures, public_url=wallet.public_url, now=now)
    slow = marks("pending_for", bill.payment_no)
    if slow and shape["state"] == "paid" and now < (bill.ended_at or 0) + slow["seconds"]:
        shape |= {"state": "pending", "paid_at": None, "captured": 0}
        shape |= {"capture_no": None, "captures": []}
    return shape


def _is_ready(wallet: Context, day: dt.date, now: float) -> bool:
    start, end = bounds(day)
    late = wallet.board.marks("statement_late", day.isoformat())
    if late:
        end += late["seconds"]
    elif wallet.settings.early_statements:
        end = start
    return now >= end


def _limit(wallet: Context, now: float) -> None:
    if not wallet.query_limit.admits(now):
        raise Refused("too_many_requests", "too many queries in this second", status=429)


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""


ROUTES = [
    Route("/v1/bills", create_bill, methods=["POST"]),
    Route("/v1/bills/{payment_no}", query_bill, methods=["GET"]),
    Route("/v1/bills/{payment_no}/close", close_bill, methods=["POST"]),
    Route("/v1/refunds", refund_bill, methods=["POST"]),
    Route("/v1/refunds/{refund_no}", query_refund, methods=["GET"]),
    Route("/v1/statements/{day}", daily_statement, methods=["GET"]),
]
