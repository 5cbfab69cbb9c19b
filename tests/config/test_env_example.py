"""`.env.example` and compose name the variables that are read: each of them, and no other."""

import os
import re
import subprocess
import sys

import yaml

from config import embedded, run
from payments.channels.sandbox import settings as wallet

GIVEN_BY_COMMAND = {f"NODROP_SANDBOX_{name}" for name in ("HOST", "PORT", "PORT_FILE")}
FOR_COMPOSE = {"POSTGRES_PASSWORD"}
PRODUCTION = {
    "NODROP_PRODUCTION": "1",
    "NODROP_SECRET_KEY": "k" * 50,
    "NODROP_PUBLIC_URL": "https://shop.example",
    "NODROP_SANDBOX": "1",
    "NODROP_SANDBOX_API_KEY": "key",
    "NODROP_SANDBOX_WEBHOOK_SECRET": "secret",
    "DATABASE_URL": "postgres://db.example/nodrop",
    "REDIS_URL": "redis://redis.example/0",
}


def read_by_settings() -> set[str]:
    code = "from config import env, settings; print(*env.known)"
    ours = {name: value for name, value in os.environ.items() if not name.startswith("NODROP_")}
    command = [sys.executable, "-c", code]
    output = subprocess.check_output(command, cwd=embedded.BASE_DIR, env=ours | PRODUCTION)
    return set(output.decode().split())


def read_by_wallet() -> set[str]:
    options = {action.dest.upper() for action in wallet._parser()._actions} - {"HELP"}
    return {f"NODROP_SANDBOX_{option}" for option in options} - GIVEN_BY_COMMAND


def in_example() -> list[str]:
    text = (embedded.BASE_DIR / ".env.example").read_text()
    return re.findall(r"^#?([A-Z][A-Z_]+)=", text, re.MULTILINE)


def test_every_variable_that_is_read_is_explained_once():
    read = read_by_settings() | read_by_wallet() | set(run.VARIABLES) | FOR_COMPOSE

    assert sorted(in_example()) == sorted(read - GIVEN_BY_COMMAND)


def test_compose_sets_only_variables_that_exist():
    services = yaml.safe_load((embedded.BASE_DIR / "compose.yaml").read_text())["services"]
    used = {name for part in services.values() for name in part.get("environment", {})}

    assert used - {"POSTGRES_USER", "POSTGRES_DB"} <= set(in_example())


def test_compose_runs_every_part_by_the_table():
    services = yaml.safe_load((embedded.BASE_DIR / "compose.yaml").read_text())["services"]

    for name in run.PARTS:
        assert services[name]["command"] == f"python -m config.run {name}"
