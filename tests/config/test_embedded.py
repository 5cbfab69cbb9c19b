"""The embedded servers: up for as long as somebody has a lease, and no longer."""

import os
import subprocess
import time
from pathlib import Path

import dj_database_url
import psutil
import psycopg2
import pytest
import redis

from config import embedded


def is_up() -> bool:
    place = dj_database_url.parse(embedded.database_url())
    try:
        psycopg2.connect(host=place["HOST"], user=place["USER"], dbname=place["NAME"]).close()
    except psycopg2.OperationalError:
        return False
    with redis.Redis.from_url(embedded.redis_url()) as client:
        return client.ping()


def eventually(condition, seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def processes_of(data: Path) -> list[psutil.Process]:
    marks = (str(data), str(embedded.socket_dir()))
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(mark in word for word in process.info["cmdline"] or [] for mark in marks)
    ]


def keeper_of(data: Path) -> psutil.Process:
    return next(each for each in processes_of(data) if "servers.py" in " ".join(each.cmdline()))


def test_the_servers_stop_with_the_last_lease(data):
    with embedded.lease(throwaway=True):
        with embedded.lease():
            assert is_up()
        assert is_up()

    assert not is_up()
    assert eventually(lambda: processes_of(data) == [], seconds=1)
    assert not data.exists()
    assert not embedded.socket_dir().exists()


@pytest.mark.parametrize("server", ["postgres", "valkey-server"])
def test_a_server_that_is_killed_comes_back(data, server):
    with embedded.lease(throwaway=True):
        [killed] = [
            process
            for process in processes_of(data)
            if process.name() == server and process.ppid() == keeper_of(data).pid
        ]
        killed.kill()
        killed.wait(10)

        assert eventually(is_up_again)
    assert not is_up()


def is_up_again() -> bool:
    try:
        return is_up()
    except redis.ConnectionError:
        return False


def test_data_of_an_ordinary_lease_is_kept(data):
    with embedded.lease():
        execute("CREATE TABLE kept (id int)")

    with embedded.lease():
        execute("INSERT INTO kept VALUES (1)")


def test_servers_stop_when_their_only_user_is_killed(data, other_user):
    other_user.kill()

    assert eventually(lambda: processes_of(data) == [])


def test_a_lease_outlives_the_process_that_started_the_servers(data, other_user):
    with embedded.lease():
        other_user.kill()
        other_user.wait()

        assert is_up()


def test_servers_start_again_after_their_keeper_was_killed(data):
    with embedded.lease():
        keeper_of(data).kill()

    with embedded.lease(throwaway=True):
        assert is_up()


def test_a_pid_file_that_names_another_program_ends_nothing(data):
    with embedded.lease():
        pid_file = data / "postgres/data/postmaster.pid"
    with subprocess.Popen(["sleep", "60"]) as stranger:
        pid_file.write_text(f"{stranger.pid}\n")

        with embedded.lease(throwaway=True):
            assert is_up()

        assert stranger.poll() is None
        stranger.kill()


def test_ctrl_c_in_the_terminal_does_not_reach_the_servers(data):
    with embedded.lease(throwaway=True):
        sessions = {os.getsid(process.pid) for process in processes_of(data)}

    assert os.getsid(0) not in sessions


def test_a_checkout_may_lie_deep(data, monkeypatch):
    monkeypatch.setenv("NODROP_DATA", str(data.joinpath(*["deep"] * 40)))

    with embedded.lease(throwaway=True):
        assert is_up()


def test_no_folder_above_the_data_changes_its_mode(data):
    before = modes_above(data)

    with embedded.lease(throwaway=True):
        assert modes_above(data) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's servers run as somebody else")
def test_root_is_told_when_the_data_would_lie_in_a_closed_folder(data, monkeypatch):
    data.mkdir(mode=0o700)
    monkeypatch.setenv("NODROP_DATA", str(data / "inside"))

    with pytest.raises(embedded.ServersDoNotStart, match="closed to others"), embedded.lease():
        pass

    assert data.stat().st_mode & 0o777 == 0o700


def test_data_in_use_is_not_deleted(data):
    with embedded.lease(), pytest.raises(embedded.ServersInUse):
        embedded.remove()

    embedded.remove()
    assert not data.exists()


def test_nothing_is_started_for_those_who_have_their_own_servers(data, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://db.example/nodrop")
    monkeypatch.setenv("REDIS_URL", "redis://redis.example/0")

    with embedded.lease() as lease:
        assert lease is None

    assert not data.exists()


def test_a_socket_is_spelt_as_each_library_wants_it(data):
    path = embedded.socket_dir() / "valkey.sock"

    assert embedded.redis_url(3) == f"unix://{path}?db=3"
    assert embedded.celery_url(embedded.redis_url(3)) == f"redis+socket://{path}?virtual_host=3"
    assert embedded.celery_url("redis://redis.example/1") == "redis://redis.example/1"


def modes_above(folder: Path) -> list[int]:
    return [parent.stat().st_mode for parent in folder.parents]


def execute(statement: str) -> None:
    connection = psycopg2.connect(host=str(embedded.socket_dir()), user="postgres", dbname="nodrop")
    with connection, connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()
