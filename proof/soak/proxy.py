"""A TCP proxy that does to connections what networks do. One event loop serves all links.

with Links() as links:
    link = links.open(to="/run/postgresql/.s.PGSQL.5432")
    link.strike(Fault(Kind.HOLD))
    link.heal()
"""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Coroutine
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Any, Self, TypeVar

Target = str | tuple[str, int]  # a Unix socket, or host and port
T = TypeVar("T")


class Kind(StrEnum):
    """What happens to what goes over a link."""

    CLEAR = "clear"
    HOLD = "hold"  # a black hole: nothing arrives until it is over, as TCP sends again
    HOLD_ANSWERS = "hold answers"  # the same for what the target says
    DELAY = "delay"  # each piece comes `seconds` late
    SLICE = "slice"  # `size` bytes at a time, every `seconds`
    RESET = "reset"  # open connections are reset now, new ones at once
    CUT = "cut"  # reset after `size` bytes of an answer
    HALF_CLOSE = "half-close"  # no more answers after `size` bytes; requests go on
    RESET_BEFORE = "reset before"  # a request with `match` does not reach the target
    RESET_AFTER = "reset after"  # it does, and its answer is lost


@dataclass(frozen=True, slots=True)
class Fault:
    """One trouble with a link. `match`: only for requests in which these bytes are."""

    kind: Kind
    seconds: float = 0.2
    size: int = 20
    match: bytes = b""


class Link:
    """One way from a client to a target, with whatever trouble there is at the moment."""

    def __init__(self, loop: asyncio.AbstractEventLoop, target: Target) -> None:
        self.port = 0
        self.struck = 0  # connections that were reset, cut or half-closed
        self._loop, self._target = loop, target
        self._fault = Fault(Kind.CLEAR)
        self._changed = asyncio.Event()
        self._pairs: set[_Pair] = set()

    def strike(self, fault: Fault) -> None:
        """From now on, until `heal`."""
        self._loop.call_soon_threadsafe(self._set, fault)

    def heal(self) -> None:
        """What was held back arrives now."""
        self._loop.call_soon_threadsafe(self._set, Fault(Kind.CLEAR))

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Listen no more, and reset what is open."""
        self._server.close()
        for pair in list(self._pairs):
            pair.reset()

    def _set(self, fault: Fault) -> None:
        self._fault = fault
        self._changed.set()
        self._changed = asyncio.Event()
        if fault.kind is Kind.RESET:
            for pair in list(self._pairs):
                self._reset(pair)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pair = _Pair([writer])
        self._pairs.add(pair)
        try:
            await self._until_let_through(is_answer=False)
            if self._fault.kind is Kind.RESET:
                return self._reset(pair)
            there, back = await self._connect()
            pair.writers.append(back)
            await asyncio.gather(
                self._pump(pair, reader, back, is_answer=False),
                self._pump(pair, there, writer, is_answer=True),
            )
        except OSError:
            pair.reset()
        finally:
            self._pairs.discard(pair)
            pair.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._target, str):
            return await asyncio.open_unix_connection(self._target)
        return await asyncio.open_connection(*self._target)

    async def _pump(
        self,
        pair: "_Pair",
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        is_answer: bool,
    ) -> None:
        while True:
            piece = await reader.read(1 << 16)
            await self._until_let_through(is_answer=is_answer)
            if not piece:
                writer.write_eof()
                return
            handle = self._answer if is_answer else self._request
            if not await handle(pair, writer, piece):
                return

    async def _until_let_through(self, *, is_answer: bool) -> None:
        while self._fault.kind is Kind.HOLD or (
            is_answer and self._fault.kind is Kind.HOLD_ANSWERS
        ):
            await self._changed.wait()

    async def _request(self, pair: "_Pair", writer: asyncio.StreamWriter, piece: bytes) -> bool:
        hits = self._fault.match in piece
        if hits and self._fault.kind is Kind.RESET_BEFORE:
            self._reset(pair)
            return False
        pair.doomed = pair.doomed or (hits and self._fault.kind is Kind.RESET_AFTER)
        await self._send(writer, piece)
        return True

    async def _answer(self, pair: "_Pair", writer: asyncio.StreamWriter, piece: bytes) -> bool:
        fault = self._fault
        if pair.doomed:
            self._reset(pair)
        elif fault.kind is Kind.CUT:
            await self._send(writer, piece[: fault.size])
            self._reset(pair)
        elif fault.kind is Kind.HALF_CLOSE:
            await self._send(writer, piece[: fault.size])
            self.struck += 1
            writer.write_eof()
        else:
            await self._send(writer, piece)
            return True
        return False

    async def _send(self, writer: asyncio.StreamWriter, piece: bytes) -> None:
        fault = self._fault
        if fault.kind is Kind.DELAY:
            await asyncio.sleep(fault.seconds)
        step = fault.size if fault.kind is Kind.SLICE else len(piece)
        for start in range(0, len(piece), step):
            writer.write(piece[start : start + step])
            await writer.drain()
            if self._fault.kind is Kind.SLICE:
                await asyncio.sleep(fault.seconds)

    def _reset(self, pair: "_Pair") -> None:
        self.struck += 1
        pair.reset()


class _Pair:
    """Both ends of one connection."""

    def __init__(self, writers: list[asyncio.StreamWriter]) -> None:
        self.writers = writers
        self.doomed = False

    def reset(self) -> None:
        for writer in self.writers:
            end: socket.socket | None = writer.get_extra_info("socket")
            with contextlib.suppress(OSError):  # Unix sockets know no RST
                if end is not None:
                    no_linger = struct.pack("ii", 1, 0)
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_linger)
            writer.transport.abort()

    def close(self) -> None:
        for writer in self.writers:
            writer.close()


class Links:
    """All links, in an event loop with a thread of its own."""

    def __enter__(self) -> Self:
        self._links: list[Link] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="links", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for link in self._links:
            self._run(link.close())
        self._run(_cancel_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def open(self, *, to: Target) -> Link:
        """A new link to a target; it listens on a free port of loopback."""
        link = Link(self._loop, to)
        self._run(link.listen())
        self._links.append(link)
        return link

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)


async def _cancel_all() -> None:
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
