"""What production imports is in its image: our folders, and packages of requirements.txt."""

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

from config.embedded import BASE_DIR

FOR_EMBEDDED_SERVERS = {"psutil"}  # only imported where requirements-dev.txt is installed


def in_image() -> list[Path]:
    lines = (BASE_DIR / ".dockerignore").read_text().splitlines()
    named = [BASE_DIR / line.removeprefix("!") for line in lines if line.startswith("!")]
    return [path for path in named if path.is_dir()]


def pinned(file: str) -> set[str]:
    lines = (BASE_DIR / file).read_text().splitlines()
    return {normal(re.split(r"[\[=]", line)[0]) for line in lines if "==" in line}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    plain = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    froms = [node.module for node in nodes if isinstance(node, ast.ImportFrom) and not node.level]
    return {name.partition(".")[0] for name in [*plain, *froms] if name}


def test_the_image_has_all_that_it_imports():
    files = [path for folder in in_image() for path in folder.rglob("*.py")]
    ours = {folder.name for folder in in_image()}
    names = set().union(*map(imported, files)) - ours - sys.stdlib_module_names
    providers = packages_distributions()

    missing = {
        name
        for name in names - FOR_EMBEDDED_SERVERS
        if not {normal(each) for each in providers.get(name, [])} & pinned("requirements.txt")
    }

    assert missing == set()


def test_every_version_is_pinned():
    for file in ("requirements.txt", "requirements-dev.txt"):
        lines = (BASE_DIR / file).read_text().splitlines()
        assert [line for line in lines if line and line[0] not in "#-" and "==" not in line] == []
