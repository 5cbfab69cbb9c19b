"""The story of a run: what happened, when, to whom. Its hash tells two runs apart."""

import datetime as dt
import hashlib
from collections.abc import Collection

Line = tuple[float, str, str, str]  # seconds since the beginning, who, about what, what happened


class Trace:
    """Nothing in it depends on the database's own numbers, on hashes, or on the real time."""

    def __init__(self) -> None:
        self.lines: list[Line] = []

    def note(self, at: float, who: str, about: str, what: str) -> None:
        self.lines.append((at, who, about, what))

    def digest(self) -> str:
        """The same for the same story."""
        digest = hashlib.sha256()
        for line in self.lines:
            digest.update(repr(line).encode())
        return digest.hexdigest()

    def story(self, about: Collection[str]) -> str:
        """Step by step: what happened to these numbers, and to everybody."""
        lines = [line for line in self.lines if line[2] == "" or line[2] in about]
        return "\n".join(tell(line) for line in lines)


def tell(line: Line) -> str:
    """One line for people."""
    at, who, about, what = line
    return f"{dt.timedelta(seconds=round(at, 3))!s:>22}  {who:<12} {about:<22} {what}"
