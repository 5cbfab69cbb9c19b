"""What the OpenAPI description says is what a running shop does, alone and call after call."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

CONFIG = Path(__file__).with_name("schemathesis.toml")
COMMAND = "import sys; from schemathesis.cli import schemathesis; sys.exit(schemathesis())"

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]


def test_the_shop_keeps_to_its_description(world, tmp_path):
    """As a user who may refund: only one who may do everything meets every answer."""
    words = ["--config-file", str(CONFIG), "run", f"{world.web}/api/schema/?format=json"]
    words += ["--header", "Authorization: Token support", "--no-color", "--warnings", "off"]

    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )

    print(done.stdout[-1500:])  # noqa: T201  (`-rP` shows how many cases there were)
    assert done.returncode == 0, done.stdout
    assert re.search(r"Selected: (\d+)/\1\n", done.stdout)
    assert re.search(r"✅ Stateful", done.stdout)
