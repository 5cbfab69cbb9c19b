"""Shoppers who aren't looking are told: what has become true, once, and only while it is true."""

import datetime as dt

import pytest
from django.core.cache.backends.redis import RedisCache
from django.db import transaction
from django.utils import timezone

from alerts.models import Alert
from common import kill_points
from orders import services as orders
from orders.messages import message_due, register_device, send_again
from orders.messages.settling import SCHEDULE
from orders.messages.texts import TEXTS
from orders.models import Device, Message
from orders.seen import note_seen
from orders.states import MessageKind, MessageState
from tests.factories import an_order
from tests.flows.world import at_once
from tests.orders.messages.fakes import (
    AGAIN,
    GONE,
    REFUSED,
    Answer,
    Result,
    a_device,
    fail,
    pay,
    send_all,
    standings,
    waiting,
)

pytestmark = pytest.mark.django_db
MAIL = "ann@example.com"
MINUTE = 61


def kinds(fcm):
    return [letter.kind for letter in fcm.letters]


# --- What is told --------------------------------------------------------------------------------


def test_an_app_is_told_that_its_order_is_paid_and_what_to_open(fcm):
    order = an_order()
    a_device(order, token="phone")

    pay(order)
    send_all()

    [letter] = fcm.letters
    order.refresh_from_db()
    assert (letter.to, letter.kind, letter.version) == ("phone", "paid", order.version)
    assert order.order_no in letter.body
    assert letter.url.startswith(f"https://shop.example/orders/{order.order_no}/back/?key=")
    assert standings() == [("paid", "sent")]


def test_an_app_is_told_that_a_payment_did_not_take_place(fcm):
    order = an_order()
    a_device(order)

    fail(order)
    send_all()

    assert kinds(fcm) == ["not_paid"]


def test_nobody_is_told_while_it_is_not_known(fcm):
    order = an_order(email=MAIL)
    a_device(order)

    orders.record_attempt(
        order_no=order.order_no, payment_no="P1", seq=1, over=False, now=timezone.now()
    )
    send_all(after=3600)

    assert (fcm.letters, Message.objects.count()) == ([], 0)


def test_a_second_payment_is_told_as_money_on_its_way_back(fcm):
    order = an_order()
    a_device(order)
    pay(order)

    pay(order, "P2", seq=1)
    orders.tell_refund_coming(order_no=order.order_no, now=timezone.now())
    send_all()

    assert sorted(kinds(fcm)) == ["paid", "refund_coming"]


def test_money_for_a_cancelled_order_is_told_as_on_its_way_back_and_then_as_refunded(fcm):
    order = an_order()
    a_device(order)
    orders.cancel_order(order_no=order.order_no, now=timezone.now())

    pay(order, "P2", seq=1)
    orders.tell_refund_coming(order_no=order.order_no, now=timezone.now())
    send_all()
    orders.record_refund(
        order_no=order.order_no,
        payment_no="P2",
        refund_no="R1",
        seq=1,
        amount=order.total,
        currency=order.currency,
        reason="late",
        now=timezone.now(),
    )
    send_all()

    assert kinds(fcm) == ["refund_coming", "refunded"]


@pytest.mark.parametrize("rule", ["keep", "refund"])
def test_other_money_is_never_told_as_not_paid(fcm, settings, rule):
    settings.MISPAID = rule
    order = an_order()
    a_device(order)
    orders.record_attempt(
        order_no=order.order_no, payment_no="P1", seq=1, over=False, now=timezone.now()
    )

    orders.record_mispayment(
        order_no=order.order_no,
        payment_no="P1",
        seq=2,
        amount=1,
        currency="CNY",
        now=timezone.now(),
    )
    send_all()

    assert kinds(fcm) == []


def test_who_cancels_an_order_that_waits_for_nothing_knows_that_herself(fcm):
    order = an_order()
    a_device(order)

    orders.cancel_order(order_no=order.order_no, now=timezone.now())

    assert Message.objects.count() == 0


def test_a_fact_that_is_undone_is_told_to_nobody(fcm):
    order = an_order()
    a_device(order)

    with transaction.atomic():
        pay(order)
        transaction.set_rollback(True)
    send_all()

    assert (fcm.letters, Message.objects.count()) == ([], 0)


def test_all_devices_of_the_order_and_of_its_owner_are_told_and_no_others(fcm, django_user_model):
    ann, bob = (django_user_model.objects.create_user(name) for name in ("ann", "bob"))
    order, other = an_order(owner_id=ann.pk), an_order()
    a_device(order, token="on the order")
    a_device(other, token="of another order")
    for user, token in ((ann, "phone"), (bob, "of bob")):
        register_device(via="fcm", token=token, owner_id=user.pk, now=timezone.now())

    pay(order)
    send_all()

    assert sorted(letter.to for letter in fcm.letters) == ["on the order", "phone"]


def test_a_phone_that_is_registered_twice_is_told_once(fcm, django_user_model):
    ann = django_user_model.objects.create_user("ann")
    order = an_order(owner_id=ann.pk)
    a_device(order, token="phone")
    register_device(via="fcm", token="phone", owner_id=ann.pk, now=timezone.now())

    pay(order)
    send_all()

    assert [letter.to for letter in fcm.letters] == ["phone"]


def test_each_is_told_in_the_language_of_the_device(fcm):
    order = an_order()
    a_device(order, token="1", language="zh-hans")
    a_device(order, token="2", language="fr")

    pay(order)
    send_all()

    assert sorted(letter.title for letter in fcm.letters) == ["Your order is paid", "订单已支付"]


def test_what_is_not_true_any_more_is_not_sent(fcm):
    order = an_order()
    a_device(order)
    fail(order)

    pay(order, "P2", seq=1)
    send_all()

    assert kinds(fcm) == ["paid"]
    assert standings() == [("not_paid", "dropped"), ("paid", "sent")]


def test_who_pays_again_is_not_told_that_it_is_not_paid(fcm):
    order = an_order()
    a_device(order)
    fail(order)

    orders.record_attempt(
        order_no=order.order_no, payment_no="P2", seq=1, over=False, now=timezone.now()
    )
    send_all()

    assert fcm.letters == []


# --- Trouble -------------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", [AGAIN, TimeoutError("no answer"), RuntimeError("a bug")])
def test_what_may_not_have_arrived_is_sent_again(fcm, trouble):
    order = an_order()
    a_device(order)
    pay(order)
    fcm.script.append(trouble)

    send_all()
    send_all(after=SCHEDULE[0] + 1)

    assert len(fcm.letters) == 2
    assert len({letter.message_no for letter in fcm.letters}) == 1
    assert standings() == [("paid", "sent")]


def test_a_message_that_can_not_be_written_stops_no_other(fcm):
    odd, order = an_order(), an_order()
    for each in (odd, order):
        a_device(each, token=each.order_no)
        pay(each, f"P{each.pk}")
    Message.objects.filter(order=odd).update(kind="unheard")

    send_all()

    assert [letter.to for letter in fcm.letters] == [order.order_no]


def test_a_provider_may_ask_for_a_pause(fcm):
    order = an_order()
    a_device(order)
    pay(order)
    fcm.script.append(Answer(result=Result.AGAIN, text="HTTP 429", retry_after=300))

    send_all()
    before = len(fcm.letters)
    send_all(after=290)
    still = len(fcm.letters)
    send_all(after=302)

    assert (before, still, len(fcm.letters)) == (1, 1, 2)


def test_a_token_that_the_provider_does_not_know_is_removed_and_not_used_again(fcm):
    order = an_order()
    device = a_device(order)
    fcm.script.append(GONE)

    fail(order)
    send_all()
    pay(order, "P2", seq=1)
    send_all()

    device.refresh_from_db()
    assert (device.token, bool(device.gone_at)) == ("", True)
    assert standings() == [("not_paid", "dropped")]
    assert Alert.objects.count() == 0


def test_a_provider_that_stays_away_is_given_up_with_one_alert(fcm):
    order, other = an_order(), an_order()
    for each in (order, other):
        a_device(each)
        pay(each)
    fcm.script.extend([AGAIN] * 2 * (len(SCHEDULE) + 1))

    for seconds in (0, *[sum(SCHEDULE[:n]) + 60 * n for n in range(1, 7)]):
        send_all(after=seconds)

    assert len(fcm.letters) == 2 * (len(SCHEDULE) + 1)
    assert standings() == [("paid", "failed")] * 2
    [alert] = Alert.objects.filter(resolved_at=None)
    assert (alert.kind, alert.subject, alert.times) == ("message_failed", "fcm", 2)


def test_what_has_failed_can_be_sent_anew_and_ends_the_alert(fcm):
    order = an_order()
    a_device(order)
    pay(order)
    fcm.script.extend([REFUSED, AGAIN])
    send_all()

    again = send_again(message_id=Message.objects.get().pk, now=timezone.now())
    send_all()
    send_all(after=10)

    assert again
    assert standings() == [("paid", "sent")]
    assert Alert.objects.filter(resolved_at=None).count() == 0


@pytest.mark.django_db(transaction=True)
def test_a_crash_after_sending_sends_again_and_nothing_is_lost(fcm):
    order = an_order()
    a_device(order)
    pay(order)

    def die(point):
        if point == "message.sent":
            raise KeyboardInterrupt

    with kill_points.acting(die), pytest.raises(KeyboardInterrupt):
        message_due(now=timezone.now())
    untouched = waiting()
    send_all(after=91)

    assert untouched == 1
    assert len(fcm.letters) == 2
    assert standings() == [("paid", "sent")]


@pytest.mark.django_db(transaction=True)
def test_workers_that_look_at_once_send_each_message_once(fcm):
    order = an_order()
    for number in range(10):
        a_device(order, token=str(number))
    pay(order)
    now = timezone.now()

    at_once(*[lambda: message_due(now=now)] * 4)

    assert sorted(letter.to for letter in fcm.letters) == [str(number) for number in range(10)]
    assert waiting() == 0


# --- E-mail: the last resort ---------------------------------------------------------------------


def test_who_left_before_the_end_is_sent_one_email(letters):
    order = an_order(email=MAIL)

    pay(order)
    send_all(after=MINUTE - 5)
    before = len(letters)
    send_all(after=MINUTE)
    send_all(after=3600)

    [mail] = letters
    assert before == 0
    assert (mail.to, mail.from_email) == ([MAIL], "Shop <shop@shop.example>")
    assert mail.subject == "Your order is paid"
    assert order.order_no in mail.body
    assert "https://shop.example/orders/" in mail.body
    number = Message.objects.get().message_no
    assert mail.extra_headers["Message-ID"] == f"<{number}@shop.example>"


def test_who_has_seen_the_end_is_sent_none(letters):
    order = an_order(email=MAIL)
    pay(order)
    order.refresh_from_db()

    note_seen(order_no=order.order_no, version=order.version)
    send_all(after=MINUTE)

    assert letters == []
    assert standings() == [("paid", "dropped")]


def test_who_has_only_seen_what_was_before_is_sent_one(letters):
    order = an_order(email=MAIL)
    note_seen(order_no=order.order_no, version=order.version)

    pay(order)
    send_all(after=MINUTE)

    assert len(letters) == 1


def test_without_the_cache_she_is_told_rather_twice_than_never(letters, monkeypatch):
    order = an_order(email=MAIL)
    pay(order)
    monkeypatch.setattr("orders.seen.cache", RedisCache("unix:///nowhere", {}))

    note_seen(order_no=order.order_no, version=99)
    send_all(after=MINUTE)

    assert len(letters) == 1


def test_an_email_is_in_the_language_that_the_order_was_placed_in(letters):
    order = an_order(email=MAIL, language="zh-hans")

    fail(order)
    send_all(after=MINUTE)

    assert [mail.subject for mail in letters] == ["订单未支付"]


def test_an_address_that_is_given_later_is_told_in_the_language_of_its_page(letters):
    order = an_order()
    orders.note_email(order_no=order.order_no, email=MAIL, language="zh-hans")

    pay(order)
    send_all(after=MINUTE)

    assert [(mail.to, mail.subject) for mail in letters] == [([MAIL], "订单已支付")]


def test_an_address_can_be_taken_back(letters):
    order = an_order(email=MAIL)

    orders.note_email(order_no=order.order_no, email="")
    pay(order)

    assert Message.objects.count() == 0


def test_without_a_mail_server_no_email_is_written(settings):
    settings.NOTIFIERS = {}

    pay(an_order(email=MAIL))

    assert Message.objects.count() == 0


def test_every_kind_is_told_in_every_language_and_none_says_failed():
    for texts in TEXTS.values():
        assert set(texts) == set(MessageKind)
        for text in texts.values():
            assert "{order_no}" in text.body
            assert "fail" not in f"{text.title} {text.body}".lower()


def test_a_message_of_a_device_that_has_gone_meanwhile_is_dropped(fcm):
    order = an_order()
    a_device(order)
    pay(order)
    now = timezone.now()

    Device.objects.update(token="", gone_at=now, gone_why="unregistered")
    message_due(now=now + dt.timedelta(seconds=1))

    assert fcm.letters == []
    assert Message.objects.get().state == MessageState.DROPPED
