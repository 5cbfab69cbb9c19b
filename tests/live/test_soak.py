"""A short dose of `make soak`: a fault every second on parts of its own, and every cent counted."""

import re
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from config import embedded
from proof.soak.storm import schedule

pytestmark = [pytest.mark.live, pytest.mark.timeout(900)]
SEED, SECONDS, GAP = 2787, 15, 0.7
BOUND = 240  # seconds until it is at rest; what is not by then, it tells


def test_a_short_soak_loses_and_doubles_nothing_and_leaves_no_process():
    command = [sys.executable, "-m", "proof.soak", "--impatient", f"--seed={SEED}"]
    command += [f"--minutes={SECONDS / 60}", f"--gap={GAP}", f"--bound={BOUND}"]
    ended = subprocess.run(
        command, cwd=embedded.BASE_DIR, capture_output=True, text=True, check=False
    )

    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout
    assert "0 drops, 0 doubles, 0 other differences" in ended.stdout
    assert ended.stdout.count("left over: 0") == 2
    folder = re.search(r"in (/\S+)", ended.stdout)[1]
    assert not Path(folder).exists()
    assert [each for each in psutil.process_iter() if data_of(each) == folder] == []


def test_the_dose_restarts_the_database_at_once_and_loses_all_messages():
    storm = schedule(seed=SEED, seconds=SECONDS, gaps=(GAP, 3 * GAP))
    kinds = {(strike.kind, strike.detail) for strike in storm}

    assert ("restart", "immediate") in kinds
    assert ("flushall and kill all workers", "") in kinds
    assert any(detail == "cut after COMMIT" for _, detail in kinds)


def data_of(process):
    """The data folder that a process was started with."""
    try:
        return process.environ().get("NODROP_DATA")
    except psutil.Error:
        return None
