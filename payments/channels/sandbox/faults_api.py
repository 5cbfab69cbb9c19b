"""The switches over HTTP, for programs: /faults for all payments, /faults/{payment_no} for one."""

from collections.abc import Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from payments.channels.sandbox.context import context_of
from payments.channels.sandbox.incoming import json_body
from payments.channels.sandbox.switches import read_switches


async def faults(request: Request) -> Response:
    """GET: all switches. PUT: these and no others. POST: these too. DELETE: all off."""
    board = context_of(request).board
    payment_no = request.path_params.get("payment_no", "")
    if request.method == "DELETE":
        if payment_no:
            await run_in_threadpool(board.replace, {}, payment_no)
        else:
            await run_in_threadpool(board.all_off)
    elif request.method != "GET":
        before = board.own(payment_no) if request.method == "POST" else {}
        given, wrong = read_switches(await json_body(request), before)
        if wrong:
            return _invalid(wrong)
        await run_in_threadpool(board.replace, before | given, payment_no)
    return JSONResponse(board.options(payment_no))


def _invalid(wrong: Mapping[str, Any]) -> Response:
    message = "; ".join(f"{field} {trouble}" for field, trouble in wrong.items())
    return JSONResponse(
        {"error": "invalid", "message": message, "details": dict(wrong)}, status_code=400
    )


_METHODS = ["GET", "PUT", "POST", "DELETE"]
ROUTES = [
    Route("/faults", faults, methods=_METHODS),
    Route("/faults/{payment_no}", faults, methods=_METHODS),
]
