"""`python -m payments.channels.sandbox.server`: the wallet as a process of its own.

It is open to anybody who can reach its port, switches included: for demos and tests only.
"""

import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import uvicorn
from starlette.applications import Starlette
from starlette.types import Lifespan
from uvicorn.protocols.http.h11_impl import H11Protocol

from payments.channels.sandbox import api, faults_api, pages, shopper
from payments.channels.sandbox.bills import Refused
from payments.channels.sandbox.context import Context, build
from payments.channels.sandbox.settings import Settings, read_settings


class CuttableProtocol(H11Protocol):
    """HTTP whose connection a handler may cut: its transport is in the request's state."""

    def connection_made(self, transport) -> None:  # type: ignore[no-untyped-def]
        super().connection_made(transport)
        # asyncio leaves it off for a ready-made listener: 40 ms more for each kept-alive answer.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.app_state = {**self.app_state, "transport": transport}


def build_app(context: Context) -> Starlette:
    """The wallet's web application; its sender runs as long as the application does."""
    app = Starlette(
        routes=[*api.ROUTES, *faults_api.ROUTES, *shopper.ROUTES, *pages.ROUTES],
        exception_handlers={Refused: api.refused},
        lifespan=_lifespan(context),
    )
    app.state.context = context
    return app


def _lifespan(context: Context) -> Lifespan[Starlette]:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        context.sender.start()
        try:
            yield
        finally:
            context.sender.stop()

    return lifespan


def serve(settings: Settings) -> None:
    """Listen, say where, and serve until a signal ends it."""
    with _listen(settings.host, settings.port) as listener:
        port = listener.getsockname()[1]
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        address = f"http://{host}:{port}"
        context = build(settings, public_url=settings.public_url.rstrip("/") or address)
        if settings.port_file:
            unfinished = settings.port_file.with_suffix(".new")
            unfinished.write_text(f"{port}\n")
            unfinished.replace(settings.port_file)
        print(f"wallet listening on {address}", flush=True)  # noqa: T201 - promised to starters
        config = uvicorn.Config(
            build_app(context),
            http=CuttableProtocol,
            ws="none",
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=2048)


def main(argv: Sequence[str] | None = None) -> None:
    """The command line."""
    serve(read_settings(sys.argv[1:] if argv is None else argv))


if __name__ == "__main__":
    main()
