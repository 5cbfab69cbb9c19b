"""The narrowest phones: no amount and no word of the header is broken, in either language."""

import pytest

from tests.browser.shopper import Shopper

pytestmark = [pytest.mark.live, pytest.mark.timeout(180, func_only=True)]
WHOLE = ".amount, .price, .times, .top a, .top button, .state"
WORDS = "[A-Za-z]+|[0-9][0-9.,]*"
BROKEN = """([selector, pattern]) => {
    const broken = [];
    for (const element of document.querySelectorAll(selector)) {
        const box = element.getBoundingClientRect();
        if (box.right > innerWidth || box.left < 0) broken.push(element.innerText);
        const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
        for (let text = walker.nextNode(); text; text = walker.nextNode()) {
            for (const part of text.data.matchAll(new RegExp(pattern, "g"))) {
                const range = document.createRange();
                range.setStart(text, part.index);
                range.setEnd(text, part.index + part[0].length);
                const tops = [...range.getClientRects()].map(each => Math.round(each.top));
                if (new Set(tops).size > 1) broken.push(part[0]);
            }
        }
    }
    return broken;
}"""


@pytest.mark.parametrize("width", [320, 360])
@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
def test_amounts_and_words_stay_whole_on_the_narrowest_phones(shop, browser, locale, width):
    options = {"locale": locale, "viewport": {"width": width, "height": 700}}
    with Shopper(shop, browser, device="phone", story=f"{width}-{locale}", **options) as shopper:
        page, web = shopper.page, shop.web

        def stays_whole(name):
            shopper.looks(name)
            assert page.evaluate(BROKEN, [WHOLE, r"\S.*\S|\S"]) == [], name
            assert page.evaluate(BROKEN, [".what", WORDS]) == [], name

        page.goto(f"{web}/")
        skus = [
            link.get_attribute("href").split("/")[2]
            for link in page.locator("a[href^='/products/']").all()
        ]
        for sku in skus[:3]:
            page.goto(f"{web}/products/{sku}/")
            page.locator("input[name=quantity]").fill("2")
            page.locator("button[name=cart]").click()
        stays_whole("cart")
        page.goto(f"{web}/")
        stays_whole("storefront")
        page.goto(f"{web}/cart/")
        page.locator("a[href*='/checkout/']").first.click()
        stays_whole("checkout")
        page.locator("button[name=channel]").first.click()
        page.wait_for_url("**/pay/**")
        shopper.order_no = shopper.payment("order_no")
        shopper.visit_order()
        shopper.sees("confirming")
        stays_whole("order")
        page.goto(f"{web}/orders/")
        stays_whole("orders")
