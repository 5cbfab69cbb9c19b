"""Turning switches on and off over HTTP, and what they hit when they are on by chance."""

from collections import Counter
from pathlib import Path

import pytest
import requests

from payments.channels.base import ChannelError, OutcomeUnknown
from payments.channels.sandbox.channel import SandboxChannel
from payments.channels.sandbox.switches import CATALOGUE
from tests.payments.channels.wallet import Wallet, a_charge

ALWAYS = 1.0


def test_one_payment_may_have_switches_of_its_own(
    wallet: Wallet, channel: SandboxChannel, payment_no: str
) -> None:
    other_no = f"{payment_no}-2"
    wallet.set_faults(payment_no=payment_no, server_error=ALWAYS)

    with pytest.raises(OutcomeUnknown):
        channel.create(a_charge(payment_no))
    channel.create(a_charge(other_no))


def test_a_payments_own_switch_may_also_be_off(
    wallet: Wallet, channel: SandboxChannel, payment_no: str
) -> None:
    wallet.set_faults(server_error=ALWAYS)
    wallet.set_faults(payment_no=payment_no, server_error=0)

    channel.create(a_charge(payment_no))
    with pytest.raises(OutcomeUnknown):
        channel.create(a_charge(f"{payment_no}-2"))


def _outcomes(folder: Path, seed: int) -> list[bool]:
    with Wallet(folder, seed=seed) as wallet:
        wallet.set_faults(server_error=0.5)
        found = []
        for number in ("A", "B", "C") * 10:
            try:
                wallet.channel().query(payment_no=number, channel_no="")
                found.append(True)
            except ChannelError:
                found.append(False)
    return found


def test_the_dice_follow_the_seed(tmp_path: Path) -> None:
    first, again, other = (
        _outcomes(tmp_path / name, seed) for name, seed in (("1", 7), ("2", 7), ("3", 8))
    )

    assert first == again != other
    assert 5 < Counter(first)[True] < 25


def test_switches_survive_a_restart(tmp_path: Path) -> None:
    with Wallet(tmp_path) as wallet:
        wallet.set_faults(server_error=ALWAYS)
        wallet.stop()
        wallet.start()

        with pytest.raises(OutcomeUnknown):
            wallet.channel().query(payment_no="P", channel_no="")


def test_put_replaces_post_adds_and_delete_turns_all_off(wallet: Wallet) -> None:
    def active() -> set[str]:
        switches = wallet.call("GET", "/faults").json()
        return {name for name, options in switches.items() if options["probability"]}

    wallet.call("PUT", "/faults", json={"down": 0.1, "garbage": 0.2})
    wallet.call("PUT", "/faults", json={"garbage": 0.2})
    assert active() == {"garbage"}
    wallet.call("POST", "/faults", json={"delay_callback": {"probability": 1, "seconds": 9}})
    wallet.call("POST", "/faults", json={"delay_callback": {"probability": 0.5}})
    assert active() == {"garbage", "delay_callback"}
    assert wallet.call("GET", "/faults").json()["delay_callback"]["seconds"] == 9
    wallet.call("DELETE", "/faults")
    assert active() == set()


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"lose_calback": 1}, "lose_calback"),
        ({"lose_callback": 1.5}, "lose_callback.probability"),
        ({"lose_callback": True}, "lose_callback"),
        ({"lose_callback": {"probability": "1"}}, "lose_callback.probability"),
        ({"lose_callback": {"seconds": 1}}, "lose_callback.seconds"),
        ({"delay_callback": {"probability": 1, "seconds": -1}}, "delay_callback.seconds"),
        ({"duplicate_callback": {"count": 2.5}}, "duplicate_callback.count"),
        ({"not_found_for": {"seconds": 61}}, "not_found_for.seconds"),
        ({"garbage": {"operations": ["pay"]}}, "garbage.operations"),
        ({"garbage": {"operations": []}}, "garbage.operations"),
        ({"garbage": {"operations": [["all"]]}}, "garbage.operations"),
        ({"garbage": {"style": "nice"}}, "garbage.style"),
        ({"garbage": {"style": []}}, "garbage.style"),
        ([], "body"),
    ],
)
def test_a_switch_that_can_not_be_is_refused_by_name(
    wallet: Wallet, given: object, field: str
) -> None:
    before = wallet.call("GET", "/faults").json()

    answer = requests.put(f"{wallet.url}/faults", json=given, timeout=5)

    assert answer.status_code == 400
    assert field in answer.json().get("details", {"body": ""})
    assert wallet.call("GET", "/faults").json() == before


def test_every_switch_can_be_turned_on_and_read_back(wallet: Wallet) -> None:
    wallet.set_faults(**dict.fromkeys(CATALOGUE, 0.25))

    switches = wallet.call("GET", "/faults").json()

    assert {name: options["probability"] for name, options in switches.items()} == dict.fromkeys(
        CATALOGUE, 0.25
    )
