"""What a newcomer runs first: the demo, as it is, on servers of its own."""

import os
import secrets
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from config import embedded

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]
TITLES = [
    "callback lost",
    "callback arrives",
    "callback twenty times at once",
    "worker killed, broker flushed",
    "money comes late",
    "paid twice",
    "closed while paying",
]


@pytest.fixture
def demo_env():
    """An environment in which nothing is configured, and a data folder that is deleted."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("NODROP_")}
    for name in ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE"):
        ours.pop(name, None)
    env = ours | {"NODROP_DATA": f"/var/tmp/nodrop-demo-{secrets.token_hex(4)}"}
    yield env
    run = [sys.executable, "-m", "config.run", "clean"]
    subprocess.run(run, env=env, cwd=embedded.BASE_DIR, check=True)
    assert not Path(env["NODROP_DATA"]).exists()


def test_every_story_of_the_demo_ends_paid_exactly_once_and_leaves_no_process(demo_env):
    command = [sys.executable, "-m", "demo", "--once"]
    ended = subprocess.run(
        command, env=demo_env, cwd=embedded.BASE_DIR, capture_output=True, text=True, check=False
    )

    assert (ended.returncode, ended.stderr) == (0, "")
    rows = [line for line in ended.stdout.splitlines() if line.endswith("  yes")]
    assert [row.split("  ")[0] for row in rows] == TITLES
    assert "time-to-truth: " in ended.stdout
    assert ended.stdout.splitlines()[-1].endswith("owed back: 0.00")
    assert processes_of(demo_env["NODROP_DATA"]) == []


def processes_of(data: str) -> list[psutil.Process]:
    """Those that still run with this data folder in their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("NODROP_DATA") == data and process.status() != "zombie":
                found.append(process)
        except psutil.Error:
            continue
    return found
