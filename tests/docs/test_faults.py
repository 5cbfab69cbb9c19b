"""Every fault of the matrix has tests that exist, or says why it has none."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "faults.md"
ROWS = [line for line in PAGE.read_text().splitlines() if re.match(r"\| F\d\d \|", line)]
TEST = r"`(tests/[\w/]+\.py)::(test_\w+)`"
REASON = 30  # letters at the least: a sentence


@cache
def defined_in(path):
    file = ROOT / path
    nodes = ast.walk(ast.parse(file.read_text())) if file.exists() else ()
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef)}


def cells(row):
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_each_of_the_52_faults_has_one_row():
    assert [row[2:5] for row in ROWS] == [f"F{number:02}" for number in range(1, 53)]


@pytest.mark.parametrize("row", ROWS, ids=[row[2:5] for row in ROWS])
def test_what_must_hold_is_said_and_what_proves_it_exists(row):
    _, fault, holds, proven = cells(row)
    in_process, real = proven.split("; real: ")

    assert fault
    assert holds
    assert re.findall(TEST, proven)
    for way in (in_process, real):
        assert re.findall(TEST, way) or len(way) >= REASON, f"no test, and no reason: {way!r}"
    named = re.findall(TEST, proven)
    missing = [f"{path}::{name}" for path, name in named if name not in defined_in(path)]
    assert missing == []
