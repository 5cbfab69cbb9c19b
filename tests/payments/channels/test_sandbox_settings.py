"""Options of the wallet's process: command line, then environment, then defaults."""

import base64

import pytest

from payments.channels.sandbox.settings import RETRIES, WEBHOOK_SECRET, read_settings


def test_without_any_option_there_are_defaults() -> None:
    settings = read_settings([], {})

    assert (settings.host, settings.port, settings.public_url) == ("127.0.0.1", 8001, "")
    assert settings.retries == tuple(float(step) for step in RETRIES.split(","))
    assert base64.b64decode(WEBHOOK_SECRET.removeprefix("whsec_"))


def test_the_environment_comes_before_the_defaults() -> None:
    environ = {"NODROP_SANDBOX_PORT": "0", "NODROP_SANDBOX_RETRIES": "0.5,1"}

    settings = read_settings([], environ)

    assert (settings.port, settings.retries) == (0, (0.5, 1.0))


def test_the_command_line_comes_before_the_environment() -> None:
    assert read_settings(["--port", "7"], {"NODROP_SANDBOX_PORT": "8"}).port == 7


@pytest.mark.parametrize("given", ["--port=x", "--retries=-1", "--retries=nan", "--prot=1"])
def test_a_typo_ends_the_process(given: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read_settings([given], {})

    assert "error:" in capsys.readouterr().err


def test_dice_without_a_seed_differ() -> None:
    assert read_settings([], {}).seed != read_settings([], {}).seed
