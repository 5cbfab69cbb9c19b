"""Every page, phone and desktop, both languages, day and night: axe finds nothing."""

import pytest

from tests.browser.shopper import DEVICES, Shopper

pytestmark = [pytest.mark.live, pytest.mark.timeout(180, func_only=True)]
LOOKS = [("en-GB", "light"), ("en-GB", "dark"), ("zh-CN", "light")]


@pytest.mark.parametrize("device", sorted(DEVICES))
@pytest.mark.parametrize(("locale", "scheme"), LOOKS, ids=["en", "en-dark", "zh"])
def test_every_page_can_be_read_by_everybody(shop, browser, device, locale, scheme):
    story = f"pages-{locale}-{scheme}"
    options = {"locale": locale, "color_scheme": scheme}
    with Shopper(shop, browser, device=device, story=story, **options) as shopper:
        page, web = shopper.page, shop.web
        page.goto(f"{web}/")
        shopper.looks("storefront")
        page.goto(f"{web}/products/umbrella/")
        shopper.looks("product")
        page.locator("button[name=cart]").click()
        page.goto(f"{web}/cart/")
        shopper.looks("cart")
        page.locator("a[href*='/checkout/']").click()
        shopper.looks("checkout")
        page.locator("button[name=channel]").first.click()
        page.wait_for_url("**/pay/**")
        shopper.order_no = shopper.payment("order_no")
        shopper.visit_order()
        shopper.sees("confirming")
        shopper.looks("order-in-the-fog")
        shopper.pay_elsewhere()
        shopper.sees("paid")
        shopper.looks("order-paid")
        page.goto(f"{web}/orders/")
        shopper.looks("orders")
        page.goto(f"{web}/sign-in/")
        shopper.looks("sign-in")
        page.goto(f"{web}/nothing-here/")
        shopper.looks("not-found")

        assert shopper.complaints == []


def test_motion_is_taken_away_from_those_who_do_not_want_it(shop, browser):
    with Shopper(shop, browser, device="phone", story="motion", reduced_motion="reduce") as shopper:
        shopper.buy(lose_callback=1, pending_for={"probability": 1, "seconds": 60})
        shopper.visit_order()
        shopper.sees("confirming")

        moving = shopper.page.evaluate(
            "document.getAnimations().filter(each => each.effect.getTiming().duration > 1).length"
        )

        assert moving == 0


def test_the_keyboard_alone_can_buy(shop, browser):
    with Shopper(shop, browser, device="desktop", story="keyboard") as shopper:
        page = shopper.page
        page.goto(f"{shop.web}/products/umbrella/")

        page.get_by_role("button", name="Buy now").focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/checkout/**")
        page.locator("button[name=channel]").first.focus()
        page.keyboard.press("Enter")

        page.wait_for_url("**/pay/**")
