"""A place where bugs are planted: a throwaway copy of the tree, with servers of its own."""

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from proof.mutants.mutant import Mutant, planted
from proof.mutants.tiers import Tier

ROOT = Path(__file__).resolve().parents[2]
_LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "node_modules", "staticfiles")
TEMPLATE = "mutants_template"
TIME_TO_END = 10.0  # seconds from SIGTERM to SIGKILL


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a tier made of a bug: it `found` it, or not, or could not say (`trouble`)."""

    tier: str
    found: bool
    seconds: float
    trouble: str = ""


class Slot:
    """Runs tiers in the copy at `tree`; before each, `renew` makes the database anew."""

    def __init__(self, tree: Path, limit: float, renew: Callable[[], None]) -> None:
        self._tree = tree
        self._limit = limit  # seconds of a tier
        self._renew = renew
        self._clock = time.time()

    def try_out(self, bug: Mutant, tiers: Sequence[Tier]) -> list[Outcome]:
        """Plant the bug, run the tiers, and take it out again."""
        texts = planted(bug, self._tree)
        before = {path: path.read_text() for path in texts}
        try:
            self._write(texts)
            return [self._run(bug, tier) for tier in tiers]
        finally:
            self._write(before)

    def _write(self, texts: dict[Path, str]) -> None:
        """With a time of its own each: Python must not take an older compilation for this one."""
        for path, text in texts.items():
            path.write_text(text)
            self._clock += 1
            os.utime(path, (self._clock, self._clock))

    def _run(self, bug: Mutant, tier: Tier) -> Outcome:
        self._renew()
        # A test session that inherits it reads the settings before it has a Redis of its own.
        inherited = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
        started = time.monotonic()
        with tempfile.TemporaryFile() as output:
            process = subprocess.Popen(  # a group, so that its children end with it
                tier.command(bug, self._tree),
                cwd=self._tree,
                env=inherited,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
            try:
                code = process.wait(self._limit)
            except subprocess.TimeoutExpired:
                return Outcome(tier.name, False, self._limit, f"took over {self._limit:.0f} s")
            finally:
                _end(process)
            seconds = time.monotonic() - started
            output.seek(0)
            said = output.read().decode(errors="replace")
        trouble = "" if code in (0, 1) else f"exit {code}: {said[-2000:]}"
        return Outcome(tier.name, code == 1, seconds, trouble)


@contextmanager
def slot(limit: float) -> Iterator[Slot]:
    """A copy of this tree, PostgreSQL and Valkey for it, and a database with all tables."""
    os.environ["NODROP_DATA"] = f"/var/tmp/nodrop-mutants-{secrets.token_hex(4)}"  # noqa: S108
    os.environ["PROOF_KEEPDB"] = "1"
    from config import embedded  # noqa: PLC0415  (the addresses follow from the environment)

    with tempfile.TemporaryDirectory(prefix="nodrop-mutants-") as folder:
        tree = Path(folder) / "tree"
        copy_tree(tree)
        with embedded.lease(throwaway=True):
            os.environ["DATABASE_URL"] = embedded.database_url()
            os.environ["REDIS_URL"] = embedded.redis_url()
            _make_template()
            yield Slot(tree, limit, _renew_database)


def copy_tree(to: Path) -> None:
    """What the product and its tests consist of."""
    shutil.copytree(ROOT, to, ignore=_LEFT_OUT)
    shutil.copy(ROOT / ".env.example", to)


def _make_template() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django  # noqa: PLC0415  (needs the environment)

    django.setup()
    from django.db import connection  # noqa: PLC0415  (as above)

    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    connection.close()
    _sql(f"ALTER DATABASE {_test_database()} RENAME TO {TEMPLATE}")


def _renew_database() -> None:
    _sql(f"DROP DATABASE IF EXISTS {_test_database()} WITH (FORCE)")
    _sql(f"CREATE DATABASE {_test_database()} TEMPLATE {TEMPLATE}")


def _sql(statement: str) -> None:
    import psycopg2  # noqa: PLC0415  (with the rest of what needs the environment)

    connection = psycopg2.connect(os.environ["DATABASE_URL"])
    connection.autocommit = True
    try:
        connection.cursor().execute(statement)
    finally:
        connection.close()


def _test_database() -> str:
    """As Django calls the database of tests."""
    return f"test_{os.environ['DATABASE_URL'].rpartition('/')[2]}"


def _end(process: subprocess.Popen[bytes]) -> None:
    """With all that it has started; it may have ended by itself."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(TIME_TO_END)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
