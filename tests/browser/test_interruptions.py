"""She comes and goes: another app, no network, two tabs, back, a page that was closed."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.shopper import Shopper
from tests.live.world import eventually

pytestmark = [pytest.mark.live, pytest.mark.timeout(120, func_only=True)]
HIDE = """hidden => {
    Object.defineProperty(document, 'hidden', {configurable: true, get: () => hidden});
    Object.defineProperty(document, 'visibilityState',
        {configurable: true, get: () => hidden ? 'hidden' : 'visible'});
    document.dispatchEvent(new Event('visibilitychange'));
}"""


def questions_of(page):
    """The addresses of the API that the page asks from now on."""
    asked = []
    page.on("request", lambda request: "/api/v1/" in request.url and asked.append(request.url))
    return asked


def test_without_javascript_the_page_loads_itself_anew_until_it_knows(shop, browser, device):
    with Shopper(shop, browser, device=device, story="no-js", java_script_enabled=False) as shopper:
        shopper.buy(
            delay_callback={"probability": 1, "seconds": 3},
            pending_for={"probability": 1, "seconds": 60},
        )
        shopper.pay()
        shopper.sees("confirming")

        shopper.sees("paid")


def test_offline_and_back_asks_at_once(shopper):
    shopper.buy(lose_callback=1)
    shopper.pay_elsewhere()
    shopper.visit_order()
    shopper.context.set_offline(True)
    shopper.order_becomes("paid")
    assert shopper.state() in ("confirming", "paid")

    shopper.context.set_offline(False)

    shopper.sees("paid", within=4000)


def test_a_hidden_page_asks_nothing_and_one_that_is_seen_again_asks_at_once(shopper):
    shopper.buy(lose_callback=1, pending_for={"probability": 1, "seconds": 60})
    shopper.visit_order()
    shopper.sees("confirming")
    shopper.page.evaluate(HIDE, True)
    shopper.page.wait_for_timeout(1500)
    asked = questions_of(shopper.page)
    shopper.page.wait_for_timeout(5000)
    assert asked == []

    shopper.page.evaluate(HIDE, False)

    eventually(lambda: any(url.endswith("/returned") for url in asked), patience=3)


def test_two_tabs_make_one_payment_and_both_learn_of_it(shopper):
    shopper.choose()
    other = shopper.open_tab()
    other.goto(shopper.page.url)

    shopper.go_to_pay()
    shopper.order_no = shopper.payment("order_no")
    shopper.visit_order(other)
    shopper.sees("confirming", page=other)
    shopper.pay()

    shopper.sees("paid")
    shopper.sees("paid", page=other)
    assert shopper.payments() == ["succeeded"]


def test_two_tabs_that_both_tap_pay_make_one_payment(shopper):
    shopper.buy()
    shopper.page.locator("button[value=decline]").click()
    shopper.sees("not_paid")
    other = shopper.open_tab()
    shopper.visit_order(other)

    shopper.go_to_pay()
    shopper.go_to_pay(other)

    assert other.url == shopper.page.url
    assert shopper.payments() == ["failed", "paying"]
    shopper.pay(other)
    shopper.sees("paid", page=other)


def test_the_back_button_never_goes_back_from_paid(shopper):
    shopper.buy()
    shopper.visit_order()
    shopper.sees("confirming")
    shopper.page.goto(f"{shopper.world.web}/orders/")
    shopper.pay_elsewhere()
    shopper.order_becomes("paid")

    shopper.page.go_back()

    shopper.sees("paid", within=4000)


def test_the_back_button_at_the_wallet_asks_whether_it_was_paid(shopper):
    shopper.buy(lose_callback=1)
    shopper.pay()
    shopper.sees("paid")

    shopper.page.go_back()  # the wallet's page: the bill is paid
    expect(shopper.page.locator("button[value=pay]")).to_have_count(0)
    shopper.page.go_back()
    shopper.page.goto(f"{shopper.world.web}/orders/")

    row = shopper.page.locator(f"a[href$='{shopper.order_no}/']")
    expect(row).to_have_attribute("data-state", "paid")
    shopper.looks("history")


def test_she_closes_the_page_in_the_fog_and_finds_the_truth_when_she_comes_back(shopper):
    shopper.buy(lose_callback=1, pending_for={"probability": 1, "seconds": 3})
    shopper.pay()
    shopper.sees("confirming")
    shopper.page.close()
    shopper.order_becomes("paid")

    shopper.page = shopper.open_tab()
    shopper.page.goto(f"{shopper.world.web}/orders/")
    shopper.page.locator(f"a[href$='{shopper.order_no}/']").click()

    shopper.sees("paid")


@pytest.mark.parametrize("javascript", [True, False], ids=["script", "no-script"])
def test_opening_the_order_in_the_fog_asks_the_wallet_at_once(shop, browser, javascript):
    options = {"device": "phone", "java_script_enabled": javascript}
    with Shopper(shop, browser, story="opened-in-the-fog", **options) as shopper:
        shopper.buy(lose_callback=1)
        later = "UPDATE payments_payment SET consult_due_at = now() + interval '1 hour'"
        shopper.world.rows(f"{later} WHERE order_no = %s", shopper.order_no)
        shopper.pay_elsewhere()

        shopper.visit_order()

        shopper.sees("paid", within=6000)


def test_nothing_can_be_paid_again_in_the_fog(shopper):
    shopper.buy(lose_callback=1, pending_for={"probability": 1, "seconds": 60})
    shopper.pay()
    shopper.sees("confirming")

    buttons = shopper.page.get_by_role("button", name=re.compile("^Pay "))

    expect(buttons).to_have_count(0)
    assert shopper.payments() == ["paying"]


def test_nobody_elses_order_is_shown(shopper, shop, browser, device):
    shopper.buy()
    with Shopper(shop, browser, device=device, story="stranger") as stranger:
        stranger.order_no = shopper.order_no

        stranger.visit_order()

        expect(stranger.page.locator("#result")).to_have_count(0)
        stranger.looks("not-hers")


def test_back_twice_in_the_fog_leads_to_the_order_and_makes_no_second_bill(shopper):
    shopper.buy(lose_callback=1, pending_for={"probability": 1, "seconds": 60})
    only = shopper.payment("id")
    shopper.pay()
    shopper.sees("confirming")

    shopper.page.go_back()
    shopper.page.go_back()

    expect(shopper.page).to_have_url(re.compile("/checkout/"))
    expect(shopper.page.locator("main")).to_contain_text("do not pay again")
    expect(shopper.page.get_by_role("button", name=re.compile("^Pay "))).to_have_count(0)
    shopper.looks("ordered-already")
    shopper.page.get_by_role("link", name="To your order").click()
    shopper.sees("confirming")
    assert shopper.payment("id") == only
