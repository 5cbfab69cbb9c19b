"""Giving money back from a payment's page: the amount as people write it, and why."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User

from payments.models import Payment, Refund
from payments.states import RefundReason, RefundStatus
from tests.admin.story import a_paid_payment, a_refund, errors, get, post, said
from tests.factories import a_payment, an_order

pytestmark = pytest.mark.django_db
FORM = "payments_payment_refund"
KEY = "0123456789abcdef" * 2


def asked(client, payment, **values):
    given = {"amount": "12.50", "reason": "customer", "note": "cup was broken", "key": KEY}
    return post(client, FORM, payment.pk, **(given | values))


def test_the_form_offers_what_is_left_and_says_what_goes_back_already(operator, channel):
    payment = a_paid_payment(channel)
    a_refund(payment, 250)

    answer = get(operator, FORM, payment.pk)

    assert answer.context["form"].initial["amount"] == "10.00"
    assert answer.context["facts"] == [
        ("Order", payment.order_no),
        ("Captured", "12.50 CNY"),
        ("Goes back already", "2.50 CNY"),
        ("Refundable", "10.00 CNY"),
    ]


def test_the_button_says_what_it_does(operator, channel):
    html = get(operator, FORM, a_paid_payment(channel).pk).content.decode()

    assert re.search(r">\s*Refund\s*</button>", html)


def test_a_refund_is_asked_for_with_its_actor_and_its_reason(operator, channel):
    payment = a_paid_payment(channel)

    answer = asked(operator, payment, amount="4.05")

    refund = Refund.objects.get()
    assert (refund.amount, refund.currency, refund.status) == (405, "CNY", RefundStatus.REQUESTED)
    assert (refund.reason, refund.note, refund.actor) == (
        RefundReason.CUSTOMER,
        "cup was broken",
        "olga",
    )
    assert refund.origin == f"admin/{KEY}"
    assert answer.redirect_chain[0][0] == f"/admin/payments/refund/{refund.pk}/change/"
    entry = LogEntry.objects.get()
    assert (entry.user.username, entry.get_change_message()) == (
        "olga",
        f"Refunded 4.05 CNY by {refund.refund_no}: cup was broken",
    )


def test_two_clicks_make_one_refund(operator, channel):
    payment = a_paid_payment(channel)

    first, second = asked(operator, payment, amount="5"), asked(operator, payment, amount="5")

    assert Refund.objects.count() == LogEntry.objects.count() == 1
    assert first.redirect_chain == second.redirect_chain


def test_a_form_that_was_sent_is_not_sent_again_with_another_amount(operator, channel):
    payment = a_paid_payment(channel)
    asked(operator, payment, amount="5")

    answer = asked(operator, payment, amount="6")

    assert Refund.objects.get().amount == 500
    assert errors(answer)["__all__"] == [
        "This key was used for another refund: take a new key, or send the same refund."
    ]


def test_more_than_was_captured_is_refused_in_words(operator, channel):
    answer = asked(operator, a_paid_payment(channel), amount="12.51")

    assert not Refund.objects.exists()
    assert errors(answer)["__all__"] == [
        "Of this payment 12.50 CNY can be refunded: ask for that at the most."
    ]


@pytest.mark.parametrize("amount", ["12,50", "1e1", "-1", "0.001", "a lot", "", "١٢"])
def test_an_amount_that_can_be_misread_is_refused(operator, channel, amount):
    answer = asked(operator, a_paid_payment(channel), amount=amount)

    assert not Refund.objects.exists()
    assert "amount" in errors(answer)


def test_nothing_is_no_amount(operator, channel):
    answer = asked(operator, a_paid_payment(channel), amount="0.00")

    assert errors(answer)["amount"] == ["A refund needs an amount above 0."]


def test_without_a_reason_nothing_goes_back(operator, channel):
    answer = asked(operator, a_paid_payment(channel), note="  ")

    assert not Refund.objects.exists()
    assert errors(answer)["note"] == ["Say why this money goes back."]


def test_a_key_of_ones_own_making_is_refused(operator, channel):
    answer = asked(operator, a_paid_payment(channel), key="surplus/P0/1")

    assert not Refund.objects.exists()
    assert "key" in errors(answer)


def test_a_payment_without_money_can_not_be_refunded(operator, channel):
    payment = a_payment()

    page = get(operator, "payments_payment_change", payment.pk)
    form = get(operator, FORM, payment.pk)
    answer = asked(operator, payment, amount="1")

    assert b"Refund\xe2\x80\xa6" not in page.content
    assert form.status_code == 200
    assert errors(answer)["__all__"] == [
        "Nothing is left to refund: no money came, or all of it goes back already."
    ]


def test_who_may_only_look_and_operate_can_not_refund(client, channel):
    payment = a_paid_payment(channel)
    user = User.objects.create_user("otto", is_staff=True)
    user.user_permissions.set(Permission.objects.exclude(codename="refund_payment"))
    client.force_login(user)

    page = get(client, "payments_payment_change", payment.pk)

    assert b"Refund\xe2\x80\xa6" not in page.content
    assert get(client, FORM, payment.pk).status_code == 403
    assert asked(client, payment).status_code == 403
    assert not Refund.objects.exists()


def test_the_payments_page_shows_captures_refunds_and_totals(operator, channel):
    payment = a_paid_payment(channel)
    refund = a_refund(payment, 250)

    page = get(operator, "payments_payment_change", payment.pk)

    assert b"Refund\xe2\x80\xa6" in page.content
    assert page.context["captured"] == "12.50 CNY"
    assert (page.context["refunded"], page.context["refundable"]) == ("2.50 CNY", "10.00 CNY")
    assert [each["refund"] for each in page.context["refunds"]] == [refund]
    assert [each["money"] for each in page.context["captures"]] == ["12.50 CNY"]


def test_a_payment_of_yen_is_refunded_without_decimals(operator, channel):
    payment = a_paid_payment(channel, an_order(total=2400, currency="JPY"))

    refused = asked(operator, payment, amount="1200.00")
    asked(operator, payment, amount="1,200")

    assert errors(refused)["amount"] == ["Write the amount in JPY like 1299, without decimals."]
    assert Refund.objects.get().amount == 1200


def test_what_goes_back_is_told_to_the_operator(operator, channel):
    answer = asked(operator, a_paid_payment(channel))

    refund = Refund.objects.get()
    assert said(answer)[0].startswith(f"12.50 CNY go back by {refund.refund_no}.")
    assert Payment.objects.get().refund_total == 1250
