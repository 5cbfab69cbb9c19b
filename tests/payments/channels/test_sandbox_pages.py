"""The wallet's pages, without JavaScript: what a shopper and an operator can do there."""

import re

import pytest
import requests

from payments.channels.base import ChannelState
from payments.channels.sandbox.channel import SandboxChannel
from tests.payments.channels.wallet import Wallet, a_charge


@pytest.mark.parametrize(
    ("action", "state"),
    [
        ("pay", ChannelState.PAID),
        ("cancel", ChannelState.CANCELLED),
        ("decline", ChannelState.FAILED),
    ],
)
def test_a_button_of_the_pay_page_ends_the_bill_and_leads_back(
    channel: SandboxChannel, payment_no: str, action: str, state: ChannelState
) -> None:
    charge = a_charge(payment_no)
    url = channel.create(charge).action.url
    assert f'value="{action}"' in requests.get(url, timeout=5).text

    answer = requests.post(url, data={"action": action}, allow_redirects=False, timeout=5)

    assert (answer.status_code, answer.headers["location"]) == (303, charge.return_url)
    assert channel.query(payment_no=payment_no, channel_no="").state is state


def test_doing_nothing_leads_back_and_leaves_the_bill_open(
    channel: SandboxChannel, payment_no: str
) -> None:
    charge = a_charge(payment_no)
    url = channel.create(charge).action.url

    assert f'href="{charge.return_url}"' in requests.get(url, timeout=5).text
    assert channel.query(payment_no=payment_no, channel_no="").state is ChannelState.PENDING


def test_paying_twice_takes_the_money_once(
    wallet: Wallet, channel: SandboxChannel, payment_no: str
) -> None:
    url = channel.create(a_charge(payment_no)).action.url

    for _ in range(2):
        answer = requests.post(url, data={"action": "pay"}, allow_redirects=False, timeout=5)
        assert answer.status_code == 303

    assert wallet.ledger()[payment_no]["captured"] == 1299


def test_a_page_left_open_says_that_the_bill_was_closed(
    channel: SandboxChannel, payment_no: str
) -> None:
    url = channel.create(a_charge(payment_no)).action.url
    channel.close(payment_no=payment_no, channel_no="")

    answer = requests.post(url, data={"action": "pay"}, timeout=5)

    assert answer.status_code == 409
    assert "Nothing was done: The shop has closed this bill" in " ".join(answer.text.split())
    assert 'value="pay"' not in answer.text


def test_an_action_that_is_none_is_refused(channel: SandboxChannel, payment_no: str) -> None:
    url = channel.create(a_charge(payment_no)).action.url

    assert requests.post(url, data={"action": "close"}, timeout=5).status_code == 400
    assert requests.post(url, data={}, timeout=5).status_code == 400


def test_a_subject_can_not_bring_html(channel: SandboxChannel, payment_no: str) -> None:
    evil = "<script>alert(1)</script>"
    url = channel.create(a_charge(payment_no, subject=evil)).action.url

    assert evil not in requests.get(url, timeout=5).text


@pytest.mark.parametrize("path", ["/pay/B0", "/bills/B0"])
def test_a_bill_that_is_not_there_has_a_page_that_says_so(wallet: Wallet, path: str) -> None:
    answer = requests.get(wallet.url + path, timeout=5)

    assert (answer.status_code, "No such bill" in answer.text) == (404, True)


def test_the_overview_leads_to_the_pay_page_and_the_switches(
    wallet: Wallet, channel: SandboxChannel, payment_no: str
) -> None:
    bill_no = channel.create(a_charge(payment_no)).channel_no

    page = wallet.call("GET", "/").text

    assert payment_no in page
    assert f'href="/pay/{bill_no}"' in page
    assert 'href="/switches"' in page


@pytest.mark.parametrize(
    ("currency", "shown"), [("EUR", "1,234.56 EUR"), ("JPY", "123,456 JPY"), ("KWD", "123.456 KWD")]
)
def test_amounts_are_shown_with_the_digits_of_their_currency(
    wallet: Wallet, channel: SandboxChannel, payment_no: str, currency: str, shown: str
) -> None:
    url = channel.create(a_charge(payment_no, amount=123456, currency=currency)).action.url

    assert shown in requests.get(url, timeout=5).text


def the_text(page: str) -> str:
    """What a page says, without its tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_the_bill_page_shows_captures_and_refunds_with_their_states(
    wallet: Wallet, channel: SandboxChannel, payment_no: str
) -> None:
    wallet.set_faults(
        double_charge={"probability": 1, "seconds": 60},
        refund_fails_later={"probability": 1, "seconds": 0, "times": 1},
    )
    bill_no = channel.create(a_charge(payment_no)).channel_no
    wallet.pay(payment_no)
    for turn, amount in enumerate((200, 300)):
        channel.refund(
            refund_no=f"{payment_no}-{turn}",
            payment_no=payment_no,
            channel_no="",
            amount=amount,
            currency="EUR",
            reason="too big",
        )

    page = the_text(wallet.call("GET", f"/bills/{bill_no}").text)

    (capture,) = wallet.ledger()[payment_no]["captures"]
    assert f"Capture taken 12.99 EUR {capture['capture_no']}" in page
    assert "Capture planned 12.99 EUR A switch has it taken later." in page
    assert f"Refund failed \N{MINUS SIGN}2.00 EUR {payment_no}-0 too big" in page
    assert f"Refund succeeded \N{MINUS SIGN}3.00 EUR {payment_no}-1 too big" in page


@pytest.mark.parametrize(("before", "mishap"), [("cancel", "pay_late"), ("pay", "charge_again")])
def test_a_button_of_the_bill_page_takes_money_that_should_not_be_taken(
    wallet: Wallet,
    channel: SandboxChannel,
    payment_no: str,
    before: str,
    mishap: str,
) -> None:
    url = f"{wallet.url}/bills/{channel.create(a_charge(payment_no)).channel_no}"
    assert 'name="mishap"' not in requests.get(url, timeout=5).text
    wallet.call("POST", f"/shopper/{payment_no}/{before}")
    assert f'value="{mishap}"' in requests.get(url, timeout=5).text
    taken = wallet.ledger()[payment_no]["captured"]

    answer = requests.post(url, data={"mishap": mishap}, timeout=5)

    assert (answer.url, answer.status_code) == (url, 200)
    assert wallet.ledger()[payment_no]["captured"] == taken + 1299


def test_a_mishap_that_can_not_be_changes_nothing(
    wallet: Wallet, channel: SandboxChannel, payment_no: str
) -> None:
    url = f"{wallet.url}/bills/{channel.create(a_charge(payment_no)).channel_no}"

    answers = [
        requests.post(address, data={"mishap": mishap}, timeout=5).status_code
        for address, mishap in (
            (url, "pay_late"),
            (url, "pay"),
            (f"{wallet.url}/bills/B0", "pay_late"),
        )
    ]

    assert answers == [200, 400, 404]
    assert wallet.ledger()[payment_no]["state"] == "pending"


def test_a_switch_is_turned_on_saved_and_off_by_its_form(wallet: Wallet) -> None:
    form = {"percent": "25", "status": "503", "times": "0", "operations": ["query", "close"]}

    wallet.call("POST", "/switches/server_error", data={"do": "on", **form})
    assert wallet.call("GET", "/faults").json()["server_error"] == {
        "probability": 0.25,
        "status": 503,
        "times": 0,
        "operations": ["query", "close"],
    }
    assert "server error" in wallet.call("GET", "/").text
    wallet.call("POST", "/switches/server_error", data={"do": "off", **form})
    assert wallet.call("GET", "/faults").json()["server_error"]["probability"] == 0


def test_every_form_of_the_switches_page_can_be_sent_as_it_stands(wallet: Wallet) -> None:
    page = wallet.call("GET", "/switches").text
    forms = re.findall(r'<form class="card.*?</form>', page, re.S)

    for form in forms:
        (path,) = re.findall(r'action="([^"]+)"', form)
        fields = dict(re.findall(r'<input type="number" name="(\w+)".*?value="([^"]+)"', form))
        wallet.call("POST", path, data={"do": "on", **fields})

    switches = wallet.call("GET", "/faults").json()
    assert {options["probability"] for options in switches.values()} == {1}
    wallet.call("POST", "/switches/all", data={"do": "all_off"})
    assert {
        options["probability"] for options in wallet.call("GET", "/faults").json().values()
    } == {0}


def test_a_form_with_nonsense_says_what_is_wrong(wallet: Wallet) -> None:
    answer = requests.post(
        f"{wallet.url}/switches/delay_callback",
        data={"do": "on", "percent": "often", "seconds": "nan"},
        timeout=5,
    )

    assert answer.status_code == 400
    assert "delay_callback.probability must be a number from 0 to 1" in answer.text
    assert "delay_callback.seconds must be a number" in answer.text


def test_the_health_of_the_process_can_be_asked(wallet: Wallet) -> None:
    assert wallet.call("GET", "/healthz").json() == {"status": "ok"}
