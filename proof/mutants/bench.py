"""Tries bugs out, some at once: each process has a slot of its own."""

import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from multiprocessing import active_children, get_context
from multiprocessing.util import Finalize

from proof.mutants.mutant import Mutant
from proof.mutants.slot import Outcome, Slot, slot
from proof.mutants.tiers import TIERS

_open = ExitStack()
_slot: Slot


def try_all(
    bugs: Sequence[Mutant], tiers: Sequence[str], *, jobs: int, limit: float
) -> Iterator[tuple[Mutant, list[Outcome]]]:
    """What the tiers of these names made of each bug, as it becomes known.

    When this is interrupted (Ctrl-C, SIGTERM), whatever runs for it ends, too.
    """
    pool = ProcessPoolExecutor(
        jobs, mp_context=get_context("spawn"), initializer=_begin, initargs=(limit,)
    )
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        tried = {pool.submit(_try_out, bug, tiers): bug for bug in bugs}
        for future in as_completed(tried):
            yield tried[future], future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _interrupt(*_signal: object) -> None:
    """As Ctrl-C, which reaches all processes of a terminal."""
    for child in active_children():
        os.kill(int(child.pid or 0), signal.SIGINT)
    raise KeyboardInterrupt


def _begin(limit: float) -> None:
    global _slot  # noqa: PLW0603  (one a process)
    _slot = _open.enter_context(slot(limit))
    Finalize(None, _open.close, exitpriority=1)  # a process of a pool runs nothing of `atexit`


def _try_out(bug: Mutant, tiers: Sequence[str]) -> list[Outcome]:
    return _slot.try_out(bug, [tier for tier in TIERS if tier.name in tiers])
