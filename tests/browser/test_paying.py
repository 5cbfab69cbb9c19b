"""The minute after the wallet: with the callback, without it, and by push."""

import json
import re
import time

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.live, pytest.mark.timeout(120, func_only=True)]
A_MINUTE = 60_000  # ms
NOT_KNOWN = re.compile("fail", re.IGNORECASE)


def poll_once_a_minute(page):
    """The page is told to ask again only after a minute: what comes sooner came by push."""

    def slow_down(route):
        answer = route.fetch()
        said = answer.json() if answer.status == 200 else None
        if said is not None and said["poll_after_ms"] is not None:
            said["poll_after_ms"] = A_MINUTE
        headers = answer.headers | {"x-poll-after-ms": str(A_MINUTE)}
        route.fulfill(status=answer.status, headers=headers, json=said) if said else route.fulfill(
            status=answer.status, headers=headers
        )

    page.route("**/api/v1/payments/**", slow_down)


def without_push(page):
    """A proxy on the way lets no WebSocket through."""
    page.route_web_socket(re.compile(".*"), lambda socket: socket.close(code=1011))


def test_the_callback_is_lost_and_a_consult_finds_the_money(shopper):
    shopper.buy(lose_callback=1)
    shopper.pay()

    shopper.sees("confirming", "paid")
    expect(shopper.page.locator("main")).not_to_contain_text(NOT_KNOWN)
    shopper.looks("confirming")

    shopper.sees("paid")
    shopper.looks("paid")
    assert shopper.order("status") == "paid"


def test_push_shows_the_money_before_the_next_poll(shopper):
    poll_once_a_minute(shopper.page)
    shopper.buy(
        delay_callback={"probability": 1, "seconds": 4},
        pending_for={"probability": 1, "seconds": 60},
    )
    heard = []

    def listen(socket):
        socket.on("framereceived", lambda frame: heard.append(frame))  # noqa: PLW0108 (Playwright's)

    shopper.page.on("websocket", listen)

    shopper.pay()
    shopper.sees("confirming")
    started = time.monotonic()
    shopper.sees("paid")

    assert time.monotonic() - started < 30
    assert '"version"' in heard[-1]
    assert set(json.loads(heard[-1])) == {"order_no", "version"}


def test_the_same_screen_at_the_end_with_the_websocket_blocked(shopper):
    without_push(shopper.page)
    shopper.buy(delay_callback={"probability": 1, "seconds": 2})

    shopper.pay()

    shopper.sees("paid")
    shopper.looks("paid")


def test_push_dies_while_she_waits_and_the_screen_at_the_end_is_the_same(shopper):
    shopper.buy(
        delay_callback={"probability": 1, "seconds": 4},
        pending_for={"probability": 1, "seconds": 60},
    )
    shopper.pay()
    shopper.sees("confirming")

    shopper.world.parts.kill("push")

    shopper.sees("paid")
    shopper.world.parts.wait("push")


def test_she_is_told_to_wait_and_not_to_pay_again_after_half_a_minute(shopper):
    shopper.page.clock.install()
    shopper.buy(lose_callback=1, pending_for={"probability": 1, "seconds": 60})
    shopper.pay()
    shopper.sees("confirming")
    main = shopper.page.locator("main")
    expect(main).to_contain_text("Confirming")

    shopper.page.clock.fast_forward(31_000)

    expect(main).to_contain_text("Still confirming")
    expect(main).to_contain_text("Do not pay again")
    expect(main).to_contain_text("You may close this page")
    expect(main).not_to_contain_text(NOT_KNOWN)
    shopper.looks("still-confirming")


def test_a_refusal_of_the_wallet_lets_her_pay_again(shopper):
    shopper.buy()

    shopper.page.locator("button[value=decline]").click()

    shopper.sees("not_paid")
    shopper.looks("not-paid")
    shopper.go_to_pay()
    shopper.pay()
    shopper.sees("paid")
    assert shopper.payments() == ["failed", "succeeded"]


def test_money_that_comes_late_is_told(shopper):
    shopper.buy()
    shopper.world.rows(
        "UPDATE orders_order SET expires_at = now(), close_due_at = now() WHERE order_no = %s",
        shopper.order_no,
    )
    shopper.order_becomes("closed")
    shopper.visit_order()
    shopper.sees("closed")
    shopper.looks("closed")

    shopper.deed("pay_late")
    shopper.order_becomes("paid")
    shopper.page.bring_to_front()
    shopper.page.reload()

    shopper.sees("revived")
    shopper.looks("revived")


def test_money_that_comes_after_she_cancelled_is_on_its_way_back(shopper):
    shopper.buy(refund_pending_for={"probability": 1, "seconds": 15})
    shopper.visit_order()
    shopper.page.get_by_role("button", name="Cancel this order").click()
    shopper.order_becomes("cancelled")

    shopper.deed("pay_late")
    shopper.visit_order()
    shopper.sees("cancelled", "came_late", "refund_coming")
    shopper.page.wait_for_timeout(1000)
    shopper.page.reload()
    expect(shopper.page.locator("main")).to_contain_text("on its way back to you")
    shopper.looks("refund-on-its-way")

    shopper.order_becomes("refunded")
    shopper.page.reload()
    shopper.sees("refunded")
    shopper.looks("refunded")


def test_an_open_page_of_a_paid_order_tells_that_money_goes_back(shopper):
    shopper.buy(double_charge={"probability": 1, "seconds": 4})
    shopper.pay()
    shopper.sees("paid")

    expect(shopper.page.locator("main")).to_contain_text("You paid twice", timeout=30_000)
    shopper.sees("paid")
