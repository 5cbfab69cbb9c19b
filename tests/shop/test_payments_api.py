"""Starting a payment over the API: two taps make one payment, and nobody pays twice."""

import pytest

from payments.channels.base import DefiniteNo, OutcomeUnknown
from payments.models import Payment
from shop.access import is_link_key
from tests.shop.conftest import start

pytestmark = pytest.mark.django_db


def test_the_answer_says_what_the_app_must_open(guest):
    answer = start(guest, guest.order())
    payment = answer.json()

    assert answer.status_code == 201
    assert payment["action"] == {
        "kind": "redirect",
        "url": f"https://wallet.example/{payment['payment_no']}",
        "text": "",
        "fields": {},
    }
    assert guest.get(f"/payments/{payment['payment_no']}").json() == payment


def test_two_taps_make_one_payment(guest, channel):
    order = guest.order()

    taps = [start(guest, order).json() for _ in range(2)]

    assert taps[0] == taps[1]
    assert (Payment.objects.count(), channel.calls["create"]) == (1, 1)


def test_a_lost_answer_is_replayed_by_the_next_tap(guest, channel):
    channel.script("create", OutcomeUnknown(), executed=True)
    order = guest.order()

    lost, found = start(guest, order), start(guest, order)

    assert (lost.status_code, lost.json()["action"]) == (202, None)
    assert (found.status_code, found.json()["action"]["kind"]) == (201, "redirect")
    assert (Payment.objects.count(), len(channel.keys)) == (1, 1)


def test_a_refusal_of_the_channel_is_a_problem_and_the_next_try_is_a_new_payment(guest, channel):
    channel.script("create", DefiniteNo("no"))
    order = guest.order()

    refused, taken = start(guest, order), start(guest, order)

    assert (refused.status_code, refused.json()["type"]) == (502, "urn:nodrop:channel-refused")
    assert taken.status_code == 201
    assert Payment.objects.count() == 2


def test_a_cancelled_order_takes_no_payment(guest):
    order = guest.order()
    guest.post(f"/orders/{order['order_no']}/cancel")

    answer = start(guest, order)

    assert (answer.status_code, answer.json()["type"]) == (409, "urn:nodrop:order-not-payable")


def test_an_unknown_channel_is_named_with_those_that_are_known(guest):
    answer = start(guest, guest.order(), "gold")

    assert answer.status_code == 400
    assert "fake, other" in answer.json()["errors"]["channel"][0]


def test_the_wallet_sends_the_shopper_to_our_page_with_a_key_that_opens_it(guest, settings):
    order = guest.order()
    start(guest, order)

    url, _, key = Payment.objects.get().return_url.partition("?key=")

    assert url == f"{settings.PUBLIC_URL}/orders/{order['order_no']}/back/"
    assert is_link_key(key, order_no=order["order_no"])
    assert order["token"] not in key


@pytest.mark.parametrize("url", ["https://app.example/done?a=1", "myapp://paid"])
def test_an_app_may_name_a_return_url_of_a_configured_origin(guest, settings, url):
    settings.RETURN_ORIGINS = ["https://app.example", "myapp://paid"]

    assert start(guest, guest.order(), return_url=url).status_code == 201
    assert Payment.objects.get().return_url == url


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        "javascript:alert(1)",
        "//evil.example/",
        "/relative",
        "https://app.example@evil.example/",
        "https://app.example\\@evil.example/",
        "https://app.example.evil.example/",
        "https://[",
        "https://app.example/ü",
        "https://app.example/x?q=a b",
        "https://app.example/x#☂",
        "https://app.example/x?a=b\r\nSet-Cookie: x=y",
        "https://app.example/x?\t",
    ],
)
def test_no_other_return_url_is_taken(guest, settings, url):
    settings.RETURN_ORIGINS = ["https://app.example"]

    answer = start(guest, guest.order(), return_url=url)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["return_url"])
    assert not Payment.objects.exists()
