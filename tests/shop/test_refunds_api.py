"""Giving money back over the API: by permission, once for each key, never more than came."""

import datetime as dt

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from orders.models import Order
from payments import services as payments
from payments.channels.base import RefundState
from payments.models import Payment, Refund
from payments.states import RefundReason, RefundStatus
from shop.models import KeptAnswer
from tests.shop.conftest import (
    App,
    close_orders,
    learn,
    send_refunds,
    tell_orders,
    time_runs_out,
)

pytestmark = pytest.mark.django_db
NOTE = {"note": "a scratch on the handle"}


@pytest.fixture
def paid(guest, channel):
    """A guest's order of CN¥25.00, paid."""
    order = guest.order()
    money_comes(channel, guest.pay(order)["payment_no"])
    return order


def money_comes(channel, payment_no, **wrong):
    channel.pay(payment_no, **wrong)
    learn(payment_no)
    tell_orders()


def give_back(app, order, body=NOTE, key="1"):
    headers = {"Idempotency-Key": f"the-key-of-refund-{key}"} if key else {}
    return app.post(f"/orders/{order['order_no']}/refunds", body, **headers)


def read(app, order):
    return app.get(f"/orders/{order['order_no']}").json()


def problem(answer):
    return answer.status_code, answer.json()["type"].removeprefix("urn:nodrop:")


def test_all_of_it_goes_back_unless_less_is_asked_for(olga, paid):
    answer = give_back(olga, paid)
    refund = answer.json()

    assert (answer.status_code, answer["Location"]) == (
        201,
        f"/api/v1/refunds/{refund['refund_no']}",
    )
    assert refund.pop("created_at")
    assert refund == {
        "refund_no": Refund.objects.get().refund_no,
        "order_no": paid["order_no"],
        "payment_no": Payment.objects.get().payment_no,
        "amount": {"amount": 2500, "currency": "CNY", "text": "CN¥25.00"},
        "status": "requested",
        "reason": "customer",
        "refunded_at": None,
        "settled_at": None,
    }
    assert Refund.objects.get().actor == "olga"
    assert Refund.objects.get().note == NOTE["note"]


def test_a_part_goes_back_and_the_order_stays_paid(olga, guest, paid, channel):
    channel.refund_state = RefundState.SUCCEEDED
    give_back(olga, paid, NOTE | {"amount": 1000})

    send_refunds()

    order = read(guest, paid)
    assert order["status"] == "paid"
    assert (order["refunded"]["amount"], order["refundable"]["amount"]) == (1000, 1500)
    assert order["refunds"][0]["settled_at"]


def test_an_order_whose_money_has_all_gone_back_is_refunded_its_refunds_newest_first(
    olga, guest, paid, channel
):
    channel.refund_state = RefundState.SUCCEEDED
    give_back(olga, paid, NOTE | {"amount": 1000})
    give_back(olga, paid, key="2")

    send_refunds()

    order = read(guest, paid)
    assert order["status"] == "refunded"
    assert (order["refunded"]["amount"], order["refundable"]["amount"]) == (2500, 0)
    assert [refund["amount"]["amount"] for refund in order["refunds"]] == [1500, 1000]


def test_a_refund_that_was_accepted_is_not_told_as_done(olga, guest, paid):
    give_back(olga, paid)

    send_refunds()

    order = read(guest, paid)
    assert (order["status"], order["refunds"][0]["status"]) == ("paid", "pending")
    assert order["refunded"]["amount"] == 0
    assert order["refunds"][0]["refunded_at"] is None


def test_no_shopper_is_shown_the_note(olga, guest, paid):
    refund = give_back(olga, paid).json()

    seen = (
        guest.get(f"/refunds/{refund['refund_no']}").text
        + guest.get(f"/orders/{paid['order_no']}").text
    )

    assert refund["refund_no"] in seen
    assert NOTE["note"] not in seen


@pytest.mark.parametrize("who", ["guest", "owner", "nobody"])
def test_only_a_user_with_the_permission_may_refund(request, olga, channel, who):
    owner = request.getfixturevalue("ann" if who == "owner" else "guest")
    order = owner.order()
    money_comes(channel, owner.pay(order)["payment_no"])
    asker = App() if who == "nobody" else owner

    answers = [give_back(asker, each) for each in (order, {"order_no": "N" + "0" * 20})]

    refused = (403, "not-permitted") if who == "owner" else (401, "about:blank")
    assert [problem(answer) for answer in answers] == [refused] * 2
    wanted = "payments.refund_payment" if who == "owner" else "Authorization: Token"
    assert wanted in answers[0].json()["detail"]
    assert not Refund.objects.exists()


def test_a_user_who_is_no_longer_active_is_refused(olga, paid):
    get_user_model().objects.filter(username="olga").update(is_active=False)

    assert give_back(olga, paid).status_code == 401


def test_an_unknown_order_is_not_there(olga):
    assert problem(give_back(olga, {"order_no": "N" + "0" * 20})) == (404, "about:blank")


def test_without_a_key_the_answer_says_why_one_is_needed(olga, paid):
    answer = give_back(olga, paid, key="")

    assert answer.status_code == 400
    assert "from going back twice" in answer.json()["errors"]["Idempotency-Key"][0]
    assert not Refund.objects.exists()


def test_the_same_key_and_body_give_the_same_refund(olga, guest, paid):
    first, second = (give_back(olga, paid, NOTE | {"amount": 1000}) for _ in range(2))

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert Refund.objects.count() == 1
    assert read(guest, paid)["refundable"]["amount"] == 1500


def test_a_late_repeat_gets_its_refund_though_nothing_is_left(olga, paid, channel):
    channel.refund_state = RefundState.SUCCEEDED
    refund = give_back(olga, paid).json()
    send_refunds()
    KeptAnswer.objects.all().delete()  # a day later

    again = give_back(olga, paid)

    assert (again.status_code, again.json()["refund_no"]) == (201, refund["refund_no"])
    assert again.json()["status"] == "succeeded"


@pytest.mark.parametrize(
    "other", [{"amount": 999}, {}, {"note": "another reason", "amount": 1000}], ids=str
)
def test_the_same_key_with_another_body_is_refused(olga, paid, other):
    give_back(olga, paid, NOTE | {"amount": 1000})

    answer = give_back(olga, paid, NOTE | other)

    assert problem(answer) == (422, "idempotency-key-reused")
    assert Refund.objects.count() == 1


def test_the_same_key_for_another_order_is_refused(olga, guest, paid, channel):
    other = guest.order()
    money_comes(channel, guest.pay(other)["payment_no"])
    give_back(olga, paid)

    assert problem(give_back(olga, other)) == (422, "idempotency-key-reused")


def test_a_key_of_a_refused_refund_may_be_used_again(olga, paid):
    give_back(olga, paid, NOTE | {"amount": 2501})

    assert give_back(olga, paid, NOTE | {"amount": 2500}).status_code == 201


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "note"),
        ({"note": ""}, "note"),
        ({"note": "x" * 201}, "note"),
        (NOTE | {"amount": 0}, "amount"),
        (NOTE | {"amount": -1}, "amount"),
        *(
            (NOTE | {"amount": odd}, "amount")
            for odd in ("ten", "1_0", "\u0663", " 5 ", 1000.0, True)
        ),
        (NOTE | {"amonut": 100}, "amonut"),
        (NOTE | {"payment_no": "P" + "0" * 20}, "payment_no"),
        ([], "body"),
    ],
)
def test_a_body_that_does_not_say_what_to_do_is_refused(olga, paid, body, field):
    answer = olga.client.post(
        f"/api/v1/orders/{paid['order_no']}/refunds",
        data=body,
        content_type="application/json",
        headers=olga.headers | {"Idempotency-Key": "the-key-of-refund-1"},
    )

    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
    assert not Refund.objects.exists()


def test_more_than_is_left_is_refused_and_told(olga, paid):
    give_back(olga, paid, NOTE | {"amount": 1000})

    answer = give_back(olga, paid, NOTE | {"amount": 1501}, key="2")

    assert problem(answer) == (409, "refund-too-large")
    assert answer.json()["refundable"] == {"amount": 1500, "currency": "CNY", "text": "CN¥15.00"}


def test_an_order_without_money_has_nothing_to_refund(olga, guest):
    order = guest.order()
    guest.pay(order)

    assert problem(give_back(olga, order)) == (409, "nothing-to-refund")


def test_money_that_is_all_on_its_way_is_not_refunded_again(olga, paid):
    give_back(olga, paid)

    assert problem(give_back(olga, paid, key="2")) == (409, "nothing-to-refund")


def test_a_channel_that_gives_nothing_back_is_a_problem(olga, paid, channel, monkeypatch):
    capabilities = type(channel.capabilities)(
        currencies=channel.capabilities.currencies, can_refund=False
    )
    monkeypatch.setattr(channel, "capabilities", capabilities)

    assert problem(give_back(olga, paid)) == (409, "refund-not-possible")


def test_where_no_payment_has_paid_the_order_it_must_be_named(olga, guest, channel):
    order = guest.order()
    payment_no = guest.pay(order)["payment_no"]
    money_comes(channel, payment_no, amount=1)

    unnamed = give_back(olga, order)
    named = give_back(olga, order, NOTE | {"payment_no": payment_no}, key="2")

    assert unnamed.status_code == 400
    assert payment_no in unnamed.json()["errors"]["payment_no"][0]
    assert (named.status_code, named.json()["amount"]["amount"]) == (201, 1)
    assert named.json()["reason"] == "mispaid"


def test_the_payment_that_paid_is_refunded_and_not_the_one_that_came_second(
    olga, guest, paid, channel
):
    first = Payment.objects.get()
    second = payments.open_payment(
        order_no=paid["order_no"],
        channel="fake",
        amount=2500,
        currency="CNY",
        subject="again",
        return_url="https://shop.example/",
        now=timezone.now(),
    )
    payments.create_at_channel(payment_no=second.payment_no, now=timezone.now())
    money_comes(channel, second.payment_no)

    refund = give_back(olga, paid).json()

    assert refund["payment_no"] == first.payment_no
    assert [each["reason"] for each in read(guest, paid)["refunds"]] == ["customer", "second"]


@pytest.mark.parametrize("who", ["guest", "ann"])
def test_a_refund_is_seen_by_who_sees_its_order_and_by_who_may_refund(request, olga, channel, who):
    owner = request.getfixturevalue(who)
    order = owner.order()
    money_comes(channel, owner.pay(order)["payment_no"])
    refund = give_back(olga, order).json()
    path = f"/refunds/{refund['refund_no']}"

    assert owner.get(path).json() == olga.get(path).json() == refund
    stranger, missing = App().get(path), App().get("/refunds/R" + "0" * 20)
    assert problem(stranger) == problem(missing) == (404, "about:blank")
    assert stranger.json()["detail"] == missing.json()["detail"]


def test_an_order_tells_its_times(guest, channel, settings):
    order = guest.order()
    assert order["expires_at"] == Order.objects.get().expires_at.isoformat().replace("+00:00", "Z")
    assert (order["closed_at"], order["revived_at"]) == (None, None)
    payment = guest.pay(order)
    time_runs_out()
    close_orders()
    assert read(guest, order)["closed_at"]

    money_comes(channel, payment["payment_no"])

    revived = read(guest, order)
    assert (revived["status"], bool(revived["revived_at"])) == ("paid", True)


def test_a_payment_tells_what_came(guest, channel):
    payment = guest.pay(guest.order())
    assert payment["received"] is None

    money_comes(channel, payment["payment_no"], amount=700, currency="JPY")

    told = guest.get(f"/payments/{payment['payment_no']}").json()
    assert told["received"] == {"amount": 700, "currency": "JPY", "text": "JP¥700"}
    assert told["amount"]["amount"] == 2500


def test_a_payment_that_was_charged_twice_tells_all_that_came(guest, channel):
    payment_no = guest.pay(guest.order())["payment_no"]
    channel.charge_again(payment_no)

    money_comes(channel, payment_no)

    told = guest.get(f"/payments/{payment_no}").json()
    assert told["received"]["amount"] == 5000


def test_money_of_another_currency_is_in_the_list_and_not_in_the_sums(
    guest, olga, channel, settings
):
    settings.MISPAID = "refund"
    channel.refund_state = RefundState.SUCCEEDED
    order = guest.order()
    money_comes(channel, guest.pay(order)["payment_no"], amount=700, currency="JPY")

    send_refunds()

    told = read(guest, order)
    assert told["refunds"][0]["amount"]["text"] == "JP¥700"
    assert (told["refunded"]["text"], told["refundable"]["text"]) == ("CN¥0.00", "CN¥0.00")


def test_the_loop_gives_back_what_the_api_has_asked_for(olga, guest, paid, channel):
    channel.refund_state = RefundState.SUCCEEDED
    give_back(olga, paid, NOTE | {"amount": 700})

    send_refunds()

    assert Refund.objects.get().status == RefundStatus.SUCCEEDED
    assert Refund.objects.get().reason == RefundReason.CUSTOMER
    assert channel.held() == 1800


def test_a_refund_is_dated_by_the_channels_clock(olga, guest, paid, channel):
    channel.refund_state = RefundState.PENDING
    refund_no = give_back(olga, paid).json()["refund_no"]
    send_refunds()
    at = dt.datetime(2026, 3, 5, 12, tzinfo=dt.UTC)
    channel.refunds[refund_no] = channel.refunds[refund_no].__class__(
        refund_no=refund_no,
        payment_no=channel.refunds[refund_no].payment_no,
        state=RefundState.SUCCEEDED,
        amount=2500,
        currency="CNY",
        refunded_at=at,
    )

    send_refunds()

    assert guest.get(f"/refunds/{refund_no}").json()["refunded_at"] == "2026-03-05T12:00:00Z"
