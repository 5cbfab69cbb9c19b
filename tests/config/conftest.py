"""An embedded pair of servers of its own for each test that asks."""

import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import embedded


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data folder; not in `tmp_path`, which PostgreSQL's user under root can't enter."""
    folder = Path(f"{embedded.data_dir()}-{secrets.token_hex(4)}")
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NODROP_DATA", str(folder))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def other_user(data: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has a lease on the servers of `data`, until it is ended."""
    code = "from config import embedded\nwith embedded.lease(): print('up', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=embedded.BASE_DIR,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        yield process
        process.kill()
