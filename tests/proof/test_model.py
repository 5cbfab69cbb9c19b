"""The model holds as the code is, and with each planted bug it does not."""

import re
from dataclasses import replace

import pytest

from proof.model.__main__ import report
from proof.model.configurations import CONFIGURATIONS, HOLDS, MUTANTS
from proof.model.moves import module
from proof.model.tlc import SPECS, NoJava, check, find_tlc

try:
    find_tlc()
    missing = ""
except NoJava as error:
    missing = str(error)

needs_java = pytest.mark.skipif(bool(missing), reason=missing)
quick = [each for each in CONFIGURATIONS if not each.thorough]


@needs_java
@pytest.mark.timeout(300)
@pytest.mark.parametrize("configuration", quick, ids=[each.name for each in quick])
def test_it_holds_and_each_planted_bug_violates_what_it_should(configuration):
    assert check(configuration).violated == configuration.expected


@needs_java
def test_a_bug_that_is_not_found_ends_with_one_and_is_marked(capsys):
    unnoticed = replace(MUTANTS[-1], safe=("TypeOK",))

    code = report([unnoticed])

    assert code == 1
    assert "holds  <-- NOT AS EXPECTED" in capsys.readouterr().out


def test_without_a_java_runtime_one_line_says_so(monkeypatch, capsys):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)

    code = report(CONFIGURATIONS)

    assert (code, capsys.readouterr().out) == (0, f"{NoJava.__doc__}\n")


def test_the_model_moves_as_the_code_does():
    assert (SPECS / "Moves.tla").read_text() == module(), "write it anew: proof/model/moves.py"


def test_every_bug_that_the_model_knows_is_planted_and_at_least_eight():
    text = "\n".join(path.read_text() for path in SPECS.glob("*.tla"))
    known = set(re.findall(r'Bug [=#] "(\w+)"', text)) - {"none"}
    planted = [each.constants["Bug"] for each in MUTANTS]

    assert sorted(planted) == sorted(known)
    assert len(planted) >= 8
    assert HOLDS not in {each.expected for each in MUTANTS}
