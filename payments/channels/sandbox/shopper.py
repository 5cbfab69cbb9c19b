"""The shopper's side: the pay page, and the same deeds for tests."""

import time
from collections.abc import Callable, Sequence

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from payments.channels.sandbox.bills import Bill, Refused
from payments.channels.sandbox.context import Context, context_of
from payments.channels.sandbox.shapes import bill_shape

ACTIONS = ("pay", "cancel", "decline")
# What no shopper wants, and what happens to money all the same.
MISHAPS = ("pay_late", "charge_again")


def pay_page(request: Request) -> Response:
    """GET /pay/{bill_no}: the bill, and what can be done about it."""
    wallet = context_of(request)
    try:
        bill = wallet.ledger.by_bill_no(request.path_params["bill_no"])
    except Refused:
        page = wallet.pages.get_template("missing.html").render()
        return HTMLResponse(page, status_code=404)
    return _page(wallet, bill)


async def act_on_page(request: Request) -> Response:
    """POST /pay/{bill_no} with the form field `action`: then back to the shop."""
    wallet = context_of(request)
    async with request.form(max_files=0, max_fields=5) as form:
        action = str(form.get("action", ""))
    try:
        bill = wallet.ledger.by_bill_no(request.path_params["bill_no"])
        await run_in_threadpool(deed(wallet, action, ACTIONS), bill.bill_no, now=time.time())
    except Refused as exc:
        if exc.status != 409:
            return Response(str(exc), status_code=exc.status)
        return _page(wallet, wallet.ledger.by_bill_no(bill.bill_no), status=409)
    return RedirectResponse(bill.return_url, status_code=303)


def act_by_number(request: Request) -> Response:
    """POST /shopper/{payment_no}/{action}: a deed or a mishap of the shopper's, told in JSON."""
    wallet = context_of(request)
    bill = wallet.ledger.by_payment_no(request.path_params["payment_no"])
    now = time.time()
    act = deed(wallet, request.path_params["action"], (*ACTIONS, *MISHAPS))
    bill = act(bill.bill_no, now=now)
    captures = wallet.ledger.captures(bill)
    return JSONResponse(bill_shape(bill, captures, public_url=wallet.public_url, now=now))


def deed(wallet: Context, action: str, allowed: Sequence[str]) -> Callable[..., Bill]:
    """What an action does to a bill; `Refused` for one that isn't among the `allowed`."""
    if action not in allowed:
        raise Refused("invalid", f"action must be one of: {', '.join(allowed)}", status=400)
    found: Callable[..., Bill] = getattr(wallet.ledger, action)
    return found


def _page(wallet: Context, bill: Bill, *, status: int = 200) -> Response:
    state = bill.state_at(time.time())
    page = wallet.pages.get_template("pay.html").render(
        bill=bill, state=state, refused=status != 200
    )
    return HTMLResponse(page, status_code=status, headers={"Cache-Control": "no-store"})


ROUTES = [
    Route("/pay/{bill_no}", pay_page, methods=["GET"]),
    Route("/pay/{bill_no}", act_on_page, methods=["POST"]),
    Route("/shopper/{payment_no}/{action}", act_by_number, methods=["POST"]),
]
