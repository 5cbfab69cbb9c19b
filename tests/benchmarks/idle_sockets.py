"""How much memory an idle socket of push costs, in the real process.

    python -m tests.benchmarks.idle_sockets          # a thousand; or give another number

Starts `python -m config.run push`, opens the sockets with tickets, and compares the memory (PSS) of
all of its processes before and after. Then one order of the thousand changes: one client hears it.
"""

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

import psutil
import websockets

from config import embedded
from config.processes import Processes

BATCH = 50  # sockets that are opened at once
SETTLE = 2.0  # seconds


def memory_of(pid: int) -> int:
    """Bytes of the process and all that it has started, shared pages counted by their share."""
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    return sum(process.memory_full_info().pss for process in family)


async def measure(parts: Processes, count: int) -> None:
    # Only now: these need Django's settings, which need the servers.
    from orders.push_hints import _send
    from shop import tickets

    url = parts.url("push").replace("http", "ws")

    async def open_one(number: int) -> websockets.ClientConnection:
        order_no = f"N{number:020}"
        ticket = await asyncio.to_thread(tickets.issue, order_no=order_no, user_id=None)
        return await websockets.connect(
            f"{url}/ws/orders/{order_no}/", subprotocols=["nodrop", ticket], compression=None
        )

    warm = [await open_one(count + number) for number in range(5)]
    await asyncio.sleep(SETTLE)
    before, started, sockets = memory_of(parts.pid("push")), time.monotonic(), []
    for first in range(0, count, BATCH):
        numbers = range(first, min(first + BATCH, count))
        sockets += await asyncio.gather(*[open_one(number) for number in numbers])
    took = time.monotonic() - started
    await asyncio.sleep(SETTLE)
    after = memory_of(parts.pid("push"))
    told = time.monotonic()
    await _send(f"N{count // 2:020}", 7)
    heard = await asyncio.wait_for(sockets[count // 2].recv(), 5)
    print(f"{count} sockets open, in {took:.1f} s")
    print(f"before {before / 2**20:.1f} MiB, after {after / 2**20:.1f} MiB")
    print(f"{(after - before) / count / 1024:.1f} KiB a socket")
    print(f"heard {heard} after {(time.monotonic() - told) * 1000:.0f} ms")
    for socket in [*warm, *sockets]:
        await socket.close()


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="nodrop-sockets-") as folder:
        Path(folder).chmod(0o755)
        os.environ["NODROP_DATA"] = f"{folder}/data"
        os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
        with embedded.lease(throwaway=True), Processes(log_dir=Path(folder) / "logs") as parts:
            import django

            django.setup()
            parts.start("push")
            asyncio.run(measure(parts, count))


if __name__ == "__main__":
    main()
