"""What happens to an API call around its work: the faults that strike it."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from payments.channels.sandbox.bills import Refused
from payments.channels.sandbox.context import context_of
from payments.channels.sandbox.switches import STYLES

Handler = Callable[[Request], Awaitable[Response]]


def refusal(exc: Refused) -> JSONResponse:
    """How the API says no."""
    headers = {"Retry-After": "1"} if exc.status == 429 else None
    body = {"error": exc.code, "message": str(exc)}
    return JSONResponse(body, status_code=exc.status, headers=headers)


async def through_the_gate(
    request: Request, operation: str, payment_no: str, work: Callable[[], Response]
) -> Response:
    """Do the work of one API call as the switches let it be done."""
    board = context_of(request).board

    if board.strikes("down", payment_no, operation):
        return await hold_then_cut(request, 0)
    if hold := board.strikes("timeout_before", payment_no, operation):
        return await hold_then_cut(request, hold["seconds"])
    if error := board.strikes("server_error", payment_no, operation):
        return Response("Internal error", status_code=error["status"])

    try:
        response = await run_in_threadpool(work)
    except Refused as exc:
        response = refusal(exc)

    for name in ("create_then_timeout", "charge_then_timeout", "timeout_after"):
        if _can_hit(name, operation) and (hold := board.strikes(name, payment_no, operation)):
            if name == "charge_then_timeout" and response.status_code < 300:
                await run_in_threadpool(_charge, request, payment_no)
            return await hold_then_cut(request, hold["seconds"])
    if garbled := board.strikes("garbage", payment_no, operation):
        style = garbled["style"]
        chosen = board.pick(STYLES, payment_no) if style == "any" else style
        return _garbage(chosen, await _whole(response))
    return response


async def hold_then_cut(request: Request, seconds: float) -> Response:
    """Say nothing for so long, or until the caller has left; then cut the connection."""
    try:
        await asyncio.wait_for(_gone(request), timeout=seconds)
    except TimeoutError:
        request.scope["state"]["transport"].abort()
        await _gone(request)
    return Response(status_code=503)  # nobody is there to read it


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _can_hit(name: str, operation: str) -> bool:
    if name == "timeout_after":
        return operation in ("close", "refund")
    return operation == "create"


def _charge(request: Request, payment_no: str) -> None:
    """Take the money for a bill that was just made, if it still can be taken."""
    context = context_of(request)
    try:
        bill = context.ledger.by_payment_no(payment_no, merchant=context.settings.merchant)
        context.ledger.pay(bill.bill_no, now=time.time())
    except Refused:
        return


async def _whole(response: Response) -> bytes:
    if isinstance(response, StreamingResponse):
        return b"".join([bytes(piece) async for piece in response.body_iterator])  # type: ignore[arg-type]
    return bytes(response.body)


def _garbage(style: str, body: bytes) -> Response:
    if style == "html":
        page = "<!doctype html><title>Welcome</title><h1>It works!</h1>"
        return Response(page, media_type="text/html")
    if style == "truncated":
        return Response(body[: len(body) // 2], media_type="application/json")
    if style == "list":
        return JSONResponse([])
    try:
        answer = json.loads(body)
    except ValueError:
        answer = {}
    return Response(json.dumps(answer | {"amount": float("nan")}), media_type="application/json")
