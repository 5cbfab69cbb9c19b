"""Every strategy in every storm, two at a time, each in a process and a database of its own."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

from proof.drill.figures import Outcome, merge
from proof.drill.storms import split

PROCESSES = 2


def run_all(*, seed: int, orders: int) -> list[Outcome]:
    """All strategies in the same storms. Django must be ready to be set up, and its servers up."""
    import django  # noqa: PLC0415  (the servers come first)

    django.setup()
    from proof.drill.databases import databases  # noqa: PLC0415
    from proof.drill.strategies import STRATEGIES  # noqa: PLC0415

    # The longest first: none is waited for at the end.
    storms = split(seed=seed, orders=orders)
    jobs = [(number, storm) for number in reversed(range(len(STRATEGIES))) for storm in storms]
    spawn = multiprocessing.get_context("spawn")
    with (
        databases(len(jobs)) as names,
        ProcessPoolExecutor(PROCESSES, mp_context=spawn, max_tasks_per_child=1) as pool,
    ):
        running = {
            job: pool.submit(run_one, job[0], *job[1], name)
            for job, name in zip(jobs, names, strict=True)
        }
        return [
            merge([running[number, storm].result() for storm in storms])
            for number in range(len(STRATEGIES))
        ]


def run_one(number: int, seed: int, orders: int, database: str) -> Outcome:
    import django  # noqa: PLC0415  (a fresh process)

    django.setup()
    from proof.drill.databases import use  # noqa: PLC0415
    from proof.drill.running import run_strategy  # noqa: PLC0415
    from proof.drill.strategies import STRATEGIES  # noqa: PLC0415

    use(database)
    try:
        return run_strategy(seed=seed, orders=orders, strategy=STRATEGIES[number])
    finally:
        from django.db import connection  # noqa: PLC0415

        connection.close()
