"""The environment: what nothing reads is a typo, and what can't be meant stops the start."""

import pytest
from environs import EnvError

from config import checks, env
from tests.config.test_env_example import in_example, read_by_wallet


def test_every_variable_of_the_example_is_known(monkeypatch):
    for name in in_example():
        monkeypatch.setenv(name, "x")

    assert [
        found.msg for found in checks.unknown_variables() if "SANDBOX_URL" not in found.msg
    ] == []
    assert read_by_wallet() <= checks.FOR_WALLET


def test_a_typo_is_found_and_the_right_name_is_named(monkeypatch):
    monkeypatch.setenv("NODROP_CONSULT_SHEDULE", "10")

    [found] = checks.unknown_variables()

    assert (found.id, found.hint) == ("config.W001", "Did you mean NODROP_CONSULT_SCHEDULE?")


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (lambda name: env.flag(name, False), "ture"),
        (lambda name: env.number(name, 1, least=1), "0"),
        (lambda name: env.seconds(name, 1.0), "inf"),
        (lambda name: env.seconds(name, 1.0), "soon"),
        (lambda name: env.durations(name, [1.0]), "10,5"),
        (lambda name: env.durations(name, [1.0]), ""),
        (lambda name: env.required(name, when=True, default=""), ""),
    ],
)
def test_a_value_that_can_not_be_meant_names_its_variable(monkeypatch, read, value):
    monkeypatch.setenv("NODROP_TRIED", value)

    with pytest.raises(EnvError, match="NODROP_TRIED"):
        read("NODROP_TRIED")


def test_what_production_requires_is_named_when_it_is_missing():
    with pytest.raises(EnvError, match="NODROP_MISSING"):
        env.required("NODROP_MISSING", when=True, default="")
