"""The lines of the cook-book, run by a shell and curl against a shop in processes of its own."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", (ROOT / "docs" / "api.md").read_text(), re.M | re.S)
# A refusal ends the script, wherever it comes; only the last block shows one.
STRICT = 'set -euo pipefail\ncurl() { command curl -f "$@"; }\n'
ASK = 'echo; echo "== $(curl -s $SHOP/api/v1/{} -H "X-Order-Token: {}" | field {})"\n'

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl on this machine")
def test_every_line_of_the_cook_book_does_what_it_says(world):
    *lines, refused = [block.replace("http://127.0.0.1:8000", world.web) for block in BLOCKS]
    asked = [
        ASK.format("orders/$ORDER", "$TOKEN", "standing"),
        ASK.format("orders/$ORDER", "$TOKEN", "refunds.0.amount.text"),
        ASK.format("orders/$OTHER", '$(echo "$other" | field token)', "status"),
    ]

    said = run([STRICT, *lines, *asked])
    problem = json.loads(run([lines[0], refused]))

    assert re.findall("^== (.*)$", said, re.M) == ["paid", "CN¥1.00", "cancelled"]
    assert said.lower().count("idempotent-replayed: true") == 1
    assert "304" in said
    assert (problem["status"], list(problem["errors"])) == (400, ["lines.0.quantity"])


def run(blocks):
    """What the shell prints."""
    command = ["bash", "-c", "\n".join(blocks)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stdout[-1500:] + done.stderr[-1500:]
    return done.stdout
