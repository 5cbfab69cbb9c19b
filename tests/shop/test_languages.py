"""The shopper's language, money and times; and what is in English for everybody."""

import datetime as dt
import re

import pytest
from django.test import Client
from django.utils import timezone

from orders.models import Order
from payments.channels.base import ChannelState
from shop.formats import format_day, format_moment, format_money, speaking
from tests.factories import a_product
from tests.shop.browser import an_order, end, pay, text_of

pytestmark = pytest.mark.django_db
EVENING = dt.datetime(2026, 11, 24, 19, 3, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def _something_for_sale(tea):
    a_product("umbrella", title="Umbrella", price=129900)


def chinese() -> Client:
    return Client(headers={"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"})


@pytest.mark.parametrize(
    ("accepted", "language", "heading"),
    [
        ("", "en", "Things that hold water"),
        ("zh-CN,zh;q=0.9", "zh-Hans", "滴水不漏的好物"),
        ("zh", "zh-Hans", "滴水不漏的好物"),
        ("fr", "en", "Things that hold water"),
        ("en-US,zh-CN;q=0.5", "en", "Things that hold water"),
    ],
)
def test_a_page_is_in_the_language_that_the_browser_wants(client, accepted, language, heading):
    page = client.get("/", headers={"Accept-Language": accepted})

    assert f'<html lang="{language}">' in page.text
    assert heading in page.text
    assert page["Content-Language"] == language.lower()
    assert {"Accept-Language", "Cookie"} <= set(re.split(", *", page["Vary"]))


def test_the_language_is_switched_and_stays_so_whatever_the_browser_wants():
    browser = chinese()

    answer = browser.post("/language/", {"language": "en", "next": "/products/tea/"})

    assert answer["Location"] == "/products/tea/"
    assert "Buy now" in text_of(browser, "/products/tea/")
    browser.post("/language/", {"language": "zh-hans", "next": "/"})
    assert "立即购买" in text_of(browser, "/products/tea/")


def test_switching_leads_to_no_other_site(client):
    answer = client.post("/language/", {"language": "en", "next": "https://evil.example/"})

    assert answer["Location"] == "/"


def test_an_order_is_bought_and_paid_in_chinese():
    browser = chinese()
    order = an_order(browser)
    assert "用Fake支付 ¥25.00" in text_of(browser, order)

    pay(browser, order)
    assert "正在确认您的付款…" in text_of(browser, order)
    end(ChannelState.PAID)

    assert '<h1 id="standing">已付款</h1>' in text_of(browser, order)


def test_the_demos_goods_are_translated_and_an_operators_own_words_stay():
    page = text_of(chinese(), "/")

    assert "雨伞" in page
    assert "Tea" in page


def test_what_is_refused_is_said_in_the_shoppers_language(channel):
    browser = chinese()
    order = an_order(browser)

    page = browser.post(f"{order}pay/", {"channel": "nowhere"}, follow=True).text

    assert "此订单不支持该付款方式" in page


def test_the_api_the_admin_and_their_errors_stay_in_english():
    browser = chinese()

    answer = browser.post("/api/v1/orders", {"lines": []}, content_type="application/json")

    assert "Content-Language" not in answer
    assert "至少" not in answer.text
    assert "Log in" in browser.get("/admin/login/").text


def test_nothing_of_a_shoppers_language_is_left_for_the_next_request(client):
    chinese().get("/", headers={"Cookie": "zone=Asia/Shanghai"})

    assert format_money(100, "CNY") == "CN¥1.00"
    assert timezone.get_current_timezone_name() == "UTC"


@pytest.mark.parametrize(
    ("language", "accepted", "money", "time"),
    [
        ("en", "", "CN¥1,299.00", "24 Nov 2026, 19:03 UTC"),
        ("en", "en-US", "CN¥1,299.00", "Nov 24, 2026, 7:03\u202fPM UTC"),
        ("en", "de-DE", "CN¥1,299.00", "24 Nov 2026, 19:03 UTC"),
        ("en", "en-XX,*", "CN¥1,299.00", "24 Nov 2026, 19:03 UTC"),
        ("zh-hans", "zh-CN", "¥1,299.00", "2026年11月24日 19:03 UTC"),
        ("zh-hans", "zh-TW", "¥1,299.00", "2026年11月24日 19:03 UTC"),
        ("zh-hans", "en-US", "¥1,299.00", "2026年11月24日 19:03 UTC"),
    ],
)
def test_money_and_times_are_written_as_where_the_shopper_lives(language, accepted, money, time):
    with speaking(language, accepted=accepted):
        assert format_money(129900, "CNY") == money
        assert format_moment(EVENING, now=EVENING + dt.timedelta(days=3)) == time


def test_money_is_exact_in_every_language():
    for language in ("en", "zh-hans"):
        with speaking(language):
            assert format_money(2**63 - 1, "USD").endswith("92,233,720,368,547,758.07")
            assert format_money(5, "KWD") == "KWD\xa00.005"


@pytest.mark.parametrize("zone", ["", "Nowhere/Atlantis", "../../etc/passwd", "x" * 5000])
def test_a_time_zone_that_does_not_exist_is_none(zone):
    with speaking("en", zone=zone):
        assert format_moment(EVENING, now=EVENING) == "19:03 UTC"


def test_in_her_own_time_zone_a_time_needs_no_name_and_may_be_of_another_day():
    with speaking("zh-hans", zone="Asia/Shanghai"):
        assert format_moment(EVENING, now=EVENING) == "03:03"
        assert format_day(EVENING) == "2026年11月25日"


def test_the_page_writes_times_in_the_zone_of_the_browsers_cookie(client):
    order = an_order(client)
    Order.objects.update(created_at=EVENING - dt.timedelta(days=7))
    client.cookies["zone"] = "Asia/Shanghai"

    page = text_of(client, order)

    assert '<time datetime="2026-11-17T19:03:00+00:00">18 Nov 2026, 03:03</time>' in page
