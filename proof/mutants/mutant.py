"""A planted bug: a few exact texts that are replaced. One that no longer fits is an error."""

from dataclasses import dataclass
from pathlib import Path


class Stale(Exception):
    """The product has changed, and this bug can't be planted any more: write it anew."""


@dataclass(frozen=True, slots=True)
class Edit:
    """In the file at `path`, `old` (which stands there once) becomes `new`."""

    path: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Mutant:
    """A bug that somebody could make; `tests` are the files or folders that should notice."""

    name: str
    edits: tuple[Edit, ...]
    tests: tuple[str, ...]


def mutant(name: str, path: str, old: str, new: str, *tests: str) -> Mutant:
    """One with a single edit."""
    return Mutant(name, (Edit(path, old, new),), tests)


def planted(bug: Mutant, root: Path) -> dict[Path, str]:
    """The files with the bug in them, as text; nothing is written. Raises `Stale`."""
    texts: dict[Path, str] = {}
    for edit in bug.edits:
        path = root / edit.path
        text = texts.get(path) or _read(path, bug)
        if text.count(edit.old) != 1:
            raise Stale(f"{bug.name}: {text.count(edit.old)} times in {edit.path}: {edit.old!r}")
        texts[path] = text.replace(edit.old, edit.new)
    return texts


def _read(path: Path, bug: Mutant) -> str:
    if not path.exists():
        raise Stale(f"{bug.name}: there is no {path}")
    return path.read_text()
