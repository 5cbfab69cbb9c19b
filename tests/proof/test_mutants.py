"""The bank of planted bugs: each can still be planted, and a tier tells it from none at all."""

import ast
import subprocess
import sys
from contextlib import suppress

import psutil
import pytest

from proof.mutants.bank import BANK
from proof.mutants.mutant import Edit, Mutant, Stale, mutant, planted
from proof.mutants.slot import ROOT, Slot, copy_tree
from proof.mutants.tiers import TIERS, Tier
from tests.live.world import eventually

LEAST = 25
TESTS = TIERS[0]
# A tier that needs no server: late money moves a closed payment, or this exits with 1.
PURE = "from payments.states import Status, judge; assert judge(Status.CLOSED, Status.SUCCEEDED).to"
LATE_MONEY = Tier("pure", lambda _bug, _root: [sys.executable, "-c", PURE])


@pytest.mark.parametrize("bug", BANK, ids=lambda bug: bug.name)
def test_a_bug_can_be_planted_and_names_tests_that_exist(bug):
    for path, text in planted(bug, ROOT).items():
        ast.parse(text)
        assert text != path.read_text()
    assert all((ROOT / path).exists() for path in bug.tests)


def test_there_are_enough_bugs_and_no_two_of_one_name():
    assert len({bug.name for bug in BANK}) == len(BANK) >= LEAST


def test_a_bug_that_does_not_fit_any_more_is_an_error(tmp_path):
    (tmp_path / "code.py").write_text("a = 1\na = 1\n")

    for old in ("b = 1", "a = 1"):
        with pytest.raises(Stale, match=r"times in code\.py"):
            planted(mutant("stale", "code.py", old, "c = 1"), tmp_path)
    with pytest.raises(Stale, match="there is no"):
        planted(mutant("stale", "gone.py", "a", "b"), tmp_path)


def test_edits_of_one_file_are_planted_together(tmp_path):
    (tmp_path / "code.py").write_text("a = 1\nb = 2\n")
    both = Mutant("both", (Edit("code.py", "1", "3"), Edit("code.py", "2", "4")), ())

    assert planted(both, tmp_path) == {tmp_path / "code.py": "a = 3\nb = 4\n"}


@pytest.fixture
def slot(tmp_path, monkeypatch):
    """A copy of the tree, for tiers without a server: nothing listens at these addresses."""
    monkeypatch.setenv("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none")
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    copy_tree(tmp_path / "tree")
    return Slot(tmp_path / "tree", 50, renew=lambda: None)


def test_a_bug_is_found_and_no_bug_is_not(slot, tmp_path):
    bug = next(bug for bug in BANK if bug.name == "late money is dropped")
    (edit,) = bug.edits
    kept = tmp_path / "tree" / edit.path
    before = kept.read_text()

    (found,) = slot.try_out(bug, [LATE_MONEY])
    (sound,) = slot.try_out(Mutant("none", (), ()), [LATE_MONEY])

    assert (found.found, found.trouble) == (True, "")
    assert (sound.found, sound.trouble) == (False, "")
    assert kept.read_text() == before == (ROOT / edit.path).read_text()


def test_a_tier_that_breaks_has_found_nothing(slot):
    (broke,) = slot.try_out(Mutant("none", (), ("tests/no_such_file.py",)), [TESTS])

    assert not broke.found
    assert broke.trouble.startswith("exit 4: ")


def test_a_tier_that_takes_too_long_has_found_nothing(tmp_path):
    sleep = Tier("slow", lambda _bug, _root: [sys.executable, "-c", "import time; time.sleep(60)"])
    impatient = Slot(tmp_path, 0.2, renew=lambda: None)

    (late,) = impatient.try_out(Mutant("none", (), ()), [sleep])

    assert not late.found
    assert late.trouble == "took over 0 s"


@pytest.mark.timeout(180)
@pytest.mark.timeout(240)
def test_who_is_interrupted_leaves_no_process():
    """Its slots have copies of the tree, servers, and tests that run: all of it is gone."""
    command = [sys.executable, "-m", "proof.mutants", "--jobs", "1", "--only", "signature"]
    bench = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        family = psutil.Process(bench.pid)
        assert eventually(lambda: any("pytest" in each for each in words(family)), patience=90)
        started = family.children(recursive=True)

        bench.terminate()
        bench.communicate(timeout=90)

        _, alive = psutil.wait_procs(started, timeout=20)
        assert alive == []
    finally:
        bench.kill()


def words(family):
    """What its processes were started with."""
    found = []
    for each in family.children(recursive=True):
        with suppress(psutil.Error):
            found += each.cmdline()
    return found
