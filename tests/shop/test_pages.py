"""The pages, without JavaScript: order, pay, come back, and be told no more than is known."""

import datetime as dt
import re

import pytest
from django.test import Client
from django.utils import timezone

from orders.models import Order
from payments.channels.base import Action, ChannelState, Created, DefiniteNo, OutcomeUnknown
from payments.channels.registry import get_channel
from payments.models import Payment
from shop.access import link_key
from tests.factories import a_product
from tests.shop.browser import (
    CHECKOUT,
    an_order,
    buy,
    end,
    hidden_fields,
    pay,
    text_of,
    the_payment,
)
from tests.shop.conftest import learn, tell_orders

pytestmark = pytest.mark.django_db
TOO_LONG = {"email": f"a@{'.'.join(['b' * 60] * 5)}.com"}


@pytest.fixture
def mail(settings):
    """Shoppers are written to."""
    settings.NOTIFIERS = settings.NOTIFIERS | {"email": {"CLASS": "", "OPTIONS": {}}}


@pytest.fixture(autouse=True)
def _something_for_sale(tea):
    a_product("matcha", price=2400, currency="JPY")


def test_the_products_with_their_prices(client):
    page = text_of(client, "/")

    assert "CN¥12.50" in page
    assert "JP¥2,400" in page


def test_an_order_is_placed_paid_and_confirmed(client):
    order = an_order(client)
    assert "Pay CN¥25.00 with Fake" in text_of(client, order)

    assert pay(client, order)["Location"] == the_payment().action["url"]
    assert client.get(the_payment().return_url)["Location"] == order
    assert "Confirming your payment" in text_of(client, order)
    end(ChannelState.PAID)

    page = text_of(client, order)
    assert '<h1 id="standing">Paid</h1>' in page
    assert "Confirming" not in page
    assert "refresh" not in page


def test_a_form_sent_twice_is_one_order(client):
    form = hidden_fields(client.get(CHECKOUT, follow=True).text)

    places = {client.post(CHECKOUT, form)["Location"] for _ in range(2)}

    assert len(places) == Order.objects.count() == 1


def test_a_form_changed_and_sent_again_asks_before_it_makes_a_second_order(client):
    key = "k" * 20
    buy(client, key=key)

    asked = buy(client, key=key, wish="tea:3", total="3750")

    assert "Send it again for a second order" in asked.text
    assert key not in asked.text
    assert Order.objects.count() == 1


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("/products/tea/", {"quantity": "0"}),
        ("/products/tea/", {"quantity": "100"}),
        (CHECKOUT, {"email": "x"}),
        (CHECKOUT, TOO_LONG),
    ],
)
@pytest.mark.usefixtures("mail")
def test_a_form_filled_in_wrongly_comes_back_with_the_field_marked(client, path, wrong):
    page = buy(client, path, **wrong)

    assert page.status_code == 200
    assert 'aria-invalid="true"' in page.text
    assert not Order.objects.exists()


def test_while_nobody_knows_the_page_loads_itself_again_and_never_says_failed(client):
    order = an_order(client)
    pay(client, order)

    page = text_of(client, order)

    assert '<noscript><meta http-equiv="refresh" content="3; url=?waiting"></noscript>' in page
    assert "Not paid" not in page
    assert "pay again</button>" not in page.lower()


def test_after_half_a_minute_the_shopper_may_go(client):
    order = an_order(client)
    pay(client, order)
    Payment.objects.update(created_at=timezone.now() - dt.timedelta(seconds=31))

    page = text_of(client, order)

    assert "<span data-soon hidden>Confirming" in page
    assert "<span data-still >Still confirming" in page
    assert "Do not pay again" in page


def test_back_from_the_wallet_the_channel_is_asked_sooner_but_not_by_the_page(client, channel):
    order = an_order(client)
    pay(client, order)

    client.get(the_payment().return_url)

    assert the_payment().returned_at is not None
    assert channel.calls["query"] == 0


def test_an_order_that_is_opened_in_the_fog_has_its_channel_asked_sooner(client, channel):
    order = an_order(client)
    pay(client, order)
    long_ago = timezone.now() - dt.timedelta(minutes=5)
    Payment.objects.update(
        returned_at=long_ago, consult_due_at=timezone.now() + dt.timedelta(hours=1)
    )

    page = text_of(client, order)

    assert the_payment().consult_due_at <= timezone.now()
    assert channel.calls["query"] == 0
    assert 'content="3; url=?waiting"' in page
    assert "<span data-still >Still confirming" in page


@pytest.mark.parametrize(("query", "headers"), [("?waiting", {}), ("", {"X-Waiting": "1"})])
def test_a_page_that_waits_and_looks_again_does_not_say_that_she_is_back(client, query, headers):
    order = an_order(client)
    pay(client, order)

    client.get(order + query, headers=headers)

    assert the_payment().returned_at is None


def test_opening_an_order_again_and_again_asks_its_channel_once_in_five_seconds(client):
    order = an_order(client)
    pay(client, order)
    client.get(order)
    first = the_payment().returned_at

    client.get(order)

    assert the_payment().returned_at == first


def test_the_success_that_the_order_has_not_heard_of_is_still_being_confirmed(client, channel):
    order = an_order(client)
    pay(client, order)
    channel.pay(the_payment().payment_no)
    learn(the_payment().payment_no)

    page = text_of(client, order)

    assert "Confirming your payment" in page
    assert "Paid</h1>" not in page


def test_the_failure_that_the_order_has_not_heard_of_is_waited_for(client, channel):
    order = an_order(client)
    pay(client, order)
    channel.end(the_payment().payment_no, ChannelState.FAILED)
    learn(the_payment().payment_no)

    page = text_of(client, order)

    assert "Confirming your payment" in page
    assert "data-watch" in page
    assert "refresh" in page


def test_a_payment_that_failed_may_be_tried_again(client):
    order = an_order(client)
    pay(client, order)
    end(ChannelState.FAILED)
    assert "Not paid</h1>" in text_of(client, order)

    pay(client, order)
    end(ChannelState.PAID)

    assert "Paid</h1>" in text_of(client, order)


def test_late_money_makes_not_paid_confirming_and_then_paid(client, channel):
    order = an_order(client)
    pay(client, order)
    end(ChannelState.FAILED)
    channel.pay(the_payment().payment_no)
    learn(the_payment().payment_no)
    assert "Confirming your payment" in text_of(client, order)

    tell_orders()

    assert "Paid</h1>" in text_of(client, order)


def test_the_wrong_amount_does_not_ask_for_more(client, channel):
    order = an_order(client)
    pay(client, order)
    channel.pay(the_payment().payment_no, amount=1)
    learn(the_payment().payment_no)
    tell_orders()

    page = text_of(client, order)

    assert "The payment does not match" in page
    assert "Pay CN¥25.00" not in page


def test_a_refusal_of_the_wallet_is_told_with_the_next_try(client, channel):
    channel.script("create", DefiniteNo("no"))
    order = an_order(client)

    page = client.post(f"{order}pay/", {"channel": "fake"}, follow=True).text

    assert "Fake took no payment" in page


def test_a_wallet_that_did_not_answer_can_be_asked_again(client, channel):
    channel.script("create", OutcomeUnknown(), executed=True)
    order = an_order(client)

    assert pay(client, order)["Location"] == order
    page = text_of(client, order)
    assert "Waiting for Fake</h1>" in page
    assert "Ask Fake again" in page
    assert "Confirming your payment" not in page
    assert pay(client, order)["Location"] == the_payment().action["url"]


def test_paying_elsewhere_too_early_says_to_wait(client, channel):
    order = an_order(client)
    pay(client, order)
    channel.script("query", OutcomeUnknown())

    page = client.post(f"{order}pay/", {"channel": "other"}, follow=True).text

    assert "still being confirmed" in page


def test_a_qr_code_is_drawn_and_a_form_is_ready_to_be_sent(client, channel):
    order = an_order(client)
    channel.script(
        "create",
        Created(action=Action(kind="qr", text="weixin://pay/1")),
        Created(action=Action(kind="form", url="https://bank.example/", fields={"a": '"1"'})),
    )
    assert "<svg" in opened(client, order)
    end_without_money(client, order)

    page = opened(client, order)

    assert 'action="https://bank.example/"' in page
    assert 'name="a" value="&quot;1&quot;"' in page


def opened(browser, order):
    """The page that "pay" leads to, loaded once more."""
    return browser.get(pay(browser, order)["Location"]).text


def test_the_page_of_a_qr_code_waits_for_the_payment_and_goes_on_by_itself(client, channel):
    order = an_order(client)
    channel.script("create", Created(action=Action(kind="qr", text="weixin://pay/1")))

    page = opened(client, order)
    channel.know(the_payment())
    end(ChannelState.PAID)

    assert 'data-status-url="/api/v1/payments/' in page
    assert '<noscript><meta http-equiv="refresh"' in page
    assert client.get(f"{order}wallet/")["Location"] == order


def test_the_address_of_a_form_loaded_again_leads_to_the_order_and_does_nothing(client):
    order = an_order(client)

    for form in ("pay", "cancel"):
        assert client.get(f"{order}{form}/")["Location"] == order

    assert not Payment.objects.exists()
    assert "How would you like to pay?" in text_of(client, order)


def test_a_browser_without_cookies_is_told_so(client):
    strict = Client(enforce_csrf_checks=True)

    page = strict.post("/products/tea/", {"quantity": "1", "buy": ""})

    assert page.status_code == 403
    assert "Your browser sent no cookie" in page.text


def test_a_request_that_django_refuses_gets_a_page_too(client):
    page = client.post("/products/tea/", {f"field{number}": "" for number in range(1001)})

    assert page.status_code == 400
    assert "Nothing was done" in page.text


def end_without_money(browser, order):
    get_channel("fake").know(the_payment())
    end(ChannelState.FAILED)


def test_the_wallet_can_be_opened_again_for_the_same_payment(client):
    order = an_order(client)
    pay(client, order)

    assert client.get(f"{order}wallet/")["Location"] == the_payment().action["url"]
    assert Payment.objects.count() == 1


def test_an_order_is_cancelled_and_its_payment_closed(client, channel):
    order = an_order(client)
    pay(client, order)

    client.post(f"{order}cancel/")
    page = text_of(client, order)
    assert "Cancelling" in page
    assert "data-watch" in page
    tell_orders()

    assert "Cancelled</h1>" in text_of(client, order)
    assert channel.reports[the_payment().payment_no].state == ChannelState.CLOSED


def test_another_browser_sees_nothing_unless_it_comes_by_the_link(client, django_user_model):
    order = an_order(client)
    pay(client, order)
    other = Client()
    for path in (order, f"{order}back/", f"{order}back/?key=wrong", f"{order}wallet/"):
        assert other.get(path).status_code == 404
    for path in (f"{order}pay/", f"{order}cancel/"):
        assert other.post(path).status_code == 404

    assert other.get(the_payment().return_url)["Location"] == order
    assert "Confirming" in text_of(other, order)


def test_a_link_opens_no_other_order(client):
    first = an_order(client)
    second = buy(client, "/checkout/?sku=tea&quantity=3")["Location"]
    key = link_key(first.split("/")[2])

    assert Client().get(f"{second}back/?key={key}").status_code == 404


def test_nothing_may_be_loaded_from_elsewhere_and_nothing_private_is_kept(client):
    order = client.get(an_order(client))

    policy = order["Content-Security-Policy"].split("; ")
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "no-store" in order["Cache-Control"]
    assert order["Referrer-Policy"] == "same-origin"
    assert " style=" not in order.text
    assert "<script>" not in order.text


@pytest.mark.usefixtures("mail")
def test_who_leaves_in_the_fog_may_have_the_end_written_to_her_and_is_told_so(client):
    order = an_order(client)
    pay(client, order)
    Payment.objects.update(created_at=timezone.now() - dt.timedelta(seconds=31))
    asked = text_of(client, order)

    told = client.post(f"{order}tell-me/", {"email": "ann@example.com"}, follow=True).text

    assert "Tell me by e-mail" in asked
    assert "We will write to ann@example.com." in told
    assert "We will tell you: here, and at ann@example.com." in re.sub(r"\s+", " ", told)
    assert "We will write to" not in text_of(client, order)


@pytest.mark.usefixtures("mail")
def test_the_address_that_is_written_to_can_be_changed(client):
    order = an_order(client)
    pay(client, order)
    client.post(f"{order}tell-me/", {"email": "ann@example.com"})

    page = text_of(client, order)
    client.post(f"{order}tell-me/", {"email": "bob@example.com"})

    assert "Write to another address" in page
    assert 'value="ann@example.com"' in page
    assert Order.objects.get().email == "bob@example.com"


def test_where_nobody_is_written_to_nobody_is_asked_for_an_address(client):
    checkout = client.get(CHECKOUT, follow=True).text
    order = buy(client, email="ann@example.com")["Location"]
    pay(client, order)
    Order.objects.update(email="ann@example.com")

    page = text_of(client, order)
    client.post(f"{order}tell-me/", {"email": "bob@example.com"})

    assert 'type="email"' not in checkout + page
    assert "and at ann@example.com" not in page
    assert Order.objects.get().email == "ann@example.com"


@pytest.mark.usefixtures("mail")
def test_what_is_no_address_is_not_taken_and_a_stranger_gives_none(client):
    order = an_order(client)
    pay(client, order)

    page = client.post(f"{order}tell-me/", {"email": "x"}, follow=True).text
    stranger = Client().post(f"{order}tell-me/", {"email": "eve@example.com"})

    assert "Write an address like you@example.com." in page
    assert stranger.status_code == 404
    assert Order.objects.get().email == ""


def test_the_page_says_how_another_way_to_pay_is_made_safe(client, channel):
    order = an_order(client)
    pay(client, order)
    page = text_of(client, order)
    channel.script("query", OutcomeUnknown())

    client.post(f"{order}pay/", {"channel": "other"})
    refused = text_of(client, order)

    assert "We first ask Fake to close the payment that is open there." in page
    assert "Close it at Fake, and pay with Other" in page
    assert "We have asked Fake to close this payment." in refused
    assert Payment.objects.count() == 1


def test_an_order_that_is_seen_is_noted_so_that_nobody_is_written_to_in_vain(client, monkeypatch):
    noted = []
    monkeypatch.setattr("shop.pages.orders.note_seen", lambda **seen: noted.append(seen))
    order = an_order(client)

    client.get(order)

    assert noted == [{"order_no": Order.objects.get().order_no, "version": 1}]


def test_the_page_tells_its_script_which_version_it_shows(client):
    order = an_order(client)
    pay(client, order)

    page = text_of(client, order)

    known = Order.objects.get()
    assert f'data-version="{known.version + the_payment().version}"' in page
    assert f'data-order-version="{known.version}"' in page
    assert 'data-state="confirming" data-phase="soon"' in page


def test_a_code_to_scan_counts_down_and_says_until_when(client, channel):
    order = an_order(client)
    channel.script("create", Created(action=Action(kind="qr", text="weixin://pay/1")))

    page = re.sub(r"\s+", " ", opened(client, order))

    assert re.search(r"Pay until <time [^>]+>[^<]+</time>", page)
    assert 1790 <= int(re.search(r'data-countdown="(\d+)"', page)[1]) <= 1800


def test_a_mistyped_product_is_not_told_of_as_an_order_and_the_shop_stays_around_it(client):
    product, order = client.get("/products/umbrela/"), client.get("/orders/NXX/")

    assert "The address may be mistyped" in product.text
    assert "An order opens in the browser" not in product.text
    assert "An order opens in the browser" in order.text
    assert 'href="/cart/"' in product.text


def test_the_address_of_signing_out_shows_the_button_that_does_it(client, django_user_model):
    stranger = client.get("/sign-out/")
    client.force_login(django_user_model.objects.create_user("ann"))

    page = client.get("/sign-out/")
    client.post("/sign-out/")

    assert "You are not signed in." in stranger.text
    assert "You are signed in as ann." in page.text
    assert "_auth_user_id" not in client.session


def test_the_page_of_a_paid_order_goes_on_to_listen(client):
    order = an_order(client)
    assert "data-listen" not in text_of(client, order)
    pay(client, order)
    end(ChannelState.PAID)

    page = text_of(client, order)

    assert "data-listen data-tickets-url" in page
    assert "data-watch" not in page
