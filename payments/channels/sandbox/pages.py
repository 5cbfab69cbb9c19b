"""The pages for who runs the wallet: overview, one bill, the switches; and the ledger as JSON."""

import time
from collections.abc import Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from payments.channels.sandbox.bills import Refused
from payments.channels.sandbox.books import whole_ledger
from payments.channels.sandbox.context import Context, context_of
from payments.channels.sandbox.shopper import MISHAPS, deed
from payments.channels.sandbox.switch import Switch
from payments.channels.sandbox.switches import CATALOGUE, read_switches


def overview(request: Request) -> Response:
    """GET /: the newest bills."""
    wallet = context_of(request)
    return _page(wallet, "overview.html", bills=wallet.ledger.latest(100))


def bill_page(request: Request) -> Response:
    """GET /bills/{bill_no}: one bill, its money, and its callbacks try by try."""
    wallet = context_of(request)
    try:
        bill = wallet.ledger.by_bill_no(request.path_params["bill_no"])
    except Refused:
        return HTMLResponse(wallet.pages.get_template("missing.html").render(), status_code=404)
    return _page(
        wallet,
        "bill.html",
        bill=bill,
        captures=wallet.ledger.captures(bill),
        planned=wallet.ledger.planned_captures(bill),
        refunds=wallet.refunds.of_bill(bill),
        deliveries=wallet.outbox.log_of(bill.id),
    )


async def let_happen(request: Request) -> Response:
    """POST /bills/{bill_no} with the form field `mishap`: what may befall a bill that has ended."""
    wallet, bill_no = context_of(request), request.path_params["bill_no"]
    async with request.form(max_files=0, max_fields=5) as form:
        happen = deed(wallet, str(form.get("mishap", "")), MISHAPS)
    try:
        await run_in_threadpool(happen, bill_no, now=time.time())
    except Refused as exc:
        if exc.status != 409:
            raise
    return RedirectResponse(f"/bills/{bill_no}", status_code=303)  # it shows how things stand


def switches_page(request: Request) -> Response:
    """GET /switches: every fault, with its options."""
    return _switches(context_of(request))


async def turn_switch(request: Request) -> Response:
    """POST /switches/{name}: the form of one switch; `do` is on, off or all_off."""
    wallet, name = context_of(request), request.path_params["name"]
    async with request.form(max_files=0, max_fields=30) as form:
        if form.get("do") == "all_off":
            await run_in_threadpool(wallet.board.all_off)
        elif name in CATALOGUE:
            before = wallet.board.own("")
            given, wrong = read_switches({name: _options(CATALOGUE[name], form)}, before)
            if wrong:
                return _switches(wallet, wrong=wrong, status=400)
            await run_in_threadpool(wallet.board.replace, before | given)
    return RedirectResponse(f"/switches#{name}", status_code=303)


def _options(switch: Switch, form: FormData) -> dict[str, Any]:
    """The options that a form asks for; what isn't a number is left for the check to refuse."""
    percent = _figure(form.get("percent") or "100") if form.get("do") == "on" else 0
    options: dict[str, Any] = {
        "probability": percent if isinstance(percent, str) else percent / 100
    }
    options |= {field: _figure(form[field]) for field in switch.numbers if field in form}
    if len(switch.operations) > 1:
        options["operations"] = [str(item) for item in form.getlist("operations")] or ["all"]
    if "style" in form:
        options["style"] = str(form["style"])
    return options


def _figure(text: object) -> float | int | str:
    for kind in (int, float):
        try:
            return kind(str(text))
        except ValueError:
            continue
    return str(text)


def ledger_json(request: Request) -> Response:
    """GET /ledger.json: the truth about every bill."""
    return JSONResponse(whole_ledger(context_of(request).database))


def healthz(request: Request) -> Response:
    """GET /healthz: the process is up and can read its ledger."""
    context_of(request).ledger.latest(1)
    return JSONResponse({"status": "ok"})


def _switches(wallet: Context, *, wrong: Mapping[str, str] = {}, status: int = 200) -> Response:
    groups: dict[str, list[Switch]] = {}
    for switch in CATALOGUE.values():
        groups.setdefault(switch.group, []).append(switch)
    return _page(
        wallet,
        "switches.html",
        status=status,
        groups=groups,
        options=wallet.board.options(),
        wrong=wrong,
        own={no: wallet.board.own(no) for no in wallet.board.payments_with_own()},
    )


def _page(wallet: Context, template: str, *, status: int = 200, **values: Any) -> Response:
    page = wallet.pages.get_template(template).render(
        active=wallet.board.active(), merchant=wallet.settings.merchant, at=time.time(), **values
    )
    return HTMLResponse(page, status_code=status, headers={"Cache-Control": "no-store"})


ROUTES = [
    Route("/", overview, methods=["GET"]),
    Route("/bills/{bill_no}", bill_page, methods=["GET"]),
    Route("/bills/{bill_no}", let_happen, methods=["POST"]),
    Route("/switches", switches_page, methods=["GET"]),
    Route("/switches/{name}", turn_switch, methods=["POST"]),
    Route("/ledger.json", ledger_json, methods=["GET"]),
    Route("/healthz", healthz, methods=["GET"]),
]
