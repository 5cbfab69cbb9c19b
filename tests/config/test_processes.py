"""The supervisor: parts that die come back, and nothing stays behind."""

import os
import signal
import subprocess
import sys
import time
import urllib.request

import psutil
import pytest

from config import embedded
from config.processes import PartDoesNotStart, Processes, usual_ports


@pytest.fixture
def parts(tmp_path):
    with Processes(log_dir=tmp_path) as parts:
        yield parts


def answers(url: str) -> bool:
    try:
        return urllib.request.urlopen(url, timeout=2).status < 500
    except OSError:
        return False


def test_a_part_that_dies_is_started_again(parts):
    parts.start("wallet")
    first = parts.pid("wallet")

    parts.kill("wallet")
    while parts.pid("wallet") == first:
        time.sleep(0.05)
    parts.wait("wallet")

    assert parts.deaths("wallet") == 1
    assert answers(parts.url("wallet"))


def test_a_part_may_be_left_dead(parts):
    parts.start("wallet", restart=False)

    parts.kill("wallet")
    with pytest.raises(PartDoesNotStart):
        parts.wait("wallet")

    assert not answers(parts.url("wallet"))


def test_stopping_leaves_no_child(parts):
    parts.start("wallet")
    everybody = processes_of_group(parts.pid("wallet"))

    parts.stop()

    assert everybody != []
    assert processes_of_group(everybody[0]) == []


def test_a_part_that_cannot_start_shows_what_it_said(tmp_path):
    parts = Processes(log_dir=tmp_path, env={"NODROP_SANDBOX_RETRIES": "soon"})

    with parts, pytest.raises(PartDoesNotStart, match=r"invalid .* value: 'soon'"):
        parts.start("wallet")


def test_parts_die_with_a_supervisor_that_is_killed(tmp_path):
    code = (
        "import pathlib, config.processes as p, time\n"
        f"parts = p.Processes(log_dir=pathlib.Path({str(tmp_path)!r}))\n"
        "parts.start('wallet'); print(parts.pid('wallet'), flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, cwd=embedded.BASE_DIR, stdout=subprocess.PIPE) as supervisor:
        group = int(supervisor.stdout.readline())
        supervisor.kill()

    assert is_gone(group)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_parts_are_stopped_when_the_supervisor_is(tmp_path, number):
    code = (
        "import pathlib, config.processes as p, time\n"
        # A shell that runs the tests in the background has it ignored.
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"with p.Processes(log_dir=pathlib.Path({str(tmp_path)!r})) as parts:\n"
        "    parts.start('wallet'); print(parts.pid('wallet'), flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(
        command, cwd=embedded.BASE_DIR, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as supervisor:
        group = int(supervisor.stdout.readline())
        supervisor.send_signal(number)

    assert processes_of_group(group) == []


def test_the_usual_ports_are_used_unless_they_are_given():
    ports = usual_ports({"NODROP_WEB_PORT": "9000"})

    assert set(ports) == {"NODROP_PUSH_PORT", "NODROP_WALLET_PORT"}
    assert len(set(ports.values())) == 2


def processes_of_group(group: int) -> list[int]:
    running = psutil.process_iter(["pid", "status"])
    pids = [each.pid for each in running if each.info["status"] != psutil.STATUS_ZOMBIE]
    return [pid for pid in pids if group_of(pid) == group]


def group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def is_gone(group: int, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while processes_of_group(group) and time.monotonic() < deadline:
        time.sleep(0.05)
    return processes_of_group(group) == []
