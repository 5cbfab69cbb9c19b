"""The parts of one running wallet, as its handlers find them."""

import threading
import time
from dataclasses import dataclass, field

from jinja2 import Environment, PackageLoader, select_autoescape
from starlette.requests import Request

from payments.channels.sandbox.announcer import Announcer
from payments.channels.sandbox.board import Board
from payments.channels.sandbox.callbacks import Outbox
from payments.channels.sandbox.database import Database
from payments.channels.sandbox.ledger import Ledger
from payments.channels.sandbox.refunds import Refunds
from payments.channels.sandbox.sender import Sender
from payments.channels.sandbox.settings import Settings
from payments.channels.sandbox.shapes import iso, money


class QueryLimit:
    """So many queries in each second of the clock."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._second = 0
        self._count = 0

    def admits(self, now: float) -> bool:
        """Whether one more query is allowed now; counts it."""
        if not self._limit:
            return True
        with self._lock:
            if int(now) != self._second:
                self._second, self._count = int(now), 0
            self._count += 1
            return self._count <= self._limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One wallet."""

    settings: Settings
    public_url: str
    database: Database
    board: Board
    ledger: Ledger
    refunds: Refunds
    outbox: Outbox
    sender: Sender
    query_limit: QueryLimit
    pages: Environment = field(repr=False)


def build(settings: Settings, *, public_url: str) -> Context:
    """Put the parts of a wallet together; the sender is not started."""
    database = Database(settings.data / "wallet.sqlite3")
    board = Board(database, seed=settings.seed)
    announcer = Announcer(board)
    ledger = Ledger(database, board, announcer)
    refunds = Refunds(database, board, announcer)
    outbox = Outbox(database, retries=settings.retries, patience=settings.callback_timeout + 1)
    return Context(
        settings=settings,
        public_url=public_url,
        database=database,
        board=board,
        ledger=ledger,
        refunds=refunds,
        outbox=outbox,
        sender=Sender(
            outbox=outbox,
            chores=(ledger.close_expired, ledger.take_planned, refunds.end_due),
            board=board,
            secret=settings.webhook_secret,
            timeout=settings.callback_timeout,
        ),
        query_limit=QueryLimit(settings.query_limit),
        pages=_pages(),
    )


def context_of(request: Request) -> Context:
    """The wallet that this request came to."""
    found: Context = request.app.state.context
    return found


def _pages() -> Environment:
    pages = Environment(
        loader=PackageLoader("payments.channels.sandbox"),
        autoescape=select_autoescape(default=True),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= {"iso": iso, "clock": _clock}
    pages.globals |= {"money": money, "now": time.time}
    return pages


def _clock(at: float) -> str:
    return time.strftime("%d %b %H:%M:%S", time.gmtime(at))
